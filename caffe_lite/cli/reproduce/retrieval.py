"""Retrieval on Flickr30k (the paper's Table 4): captions for images, and images for captions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from caffe_lite.cli.reproduce.captioner import (
    Images,
    caffenet,
    net_words,
    paper_setting,
    prepare_steps,
    small_setting,
    train_steps,
)
from caffe_lite.cli.reproduce.plan import REHEARSAL, Cell, Needed, Plan, Scores, Step

TITLE = "Retrieval: recall in %, and the median rank"
NOTE = f"Among the 1,000 test images of Flickr30k (arXiv:1411.4389v4, Table 4). {REHEARSAL}"
FORMS = {  # layers, and whether they are factored
    "1 layer": (1, False),
    "2 layers unfactored": (2, False),
    "2 layers factored": (2, True),
}
WAYS = ("caption to image", "image to caption")
_SCORES = {"R@1": 100.0, "R@5": 100.0, "R@10": 100.0, "median rank": 1.0}
_PAPER = {
    ("2 layers factored", "caption to image"): (17.5, 40.3, 50.8, 9),
    ("2 layers factored", "image to caption"): (23.6, 46.6, 58.3, 7),
}


def plan(data: Path, out: Path, quick: bool, gpu: str | None, shrink: int = 1) -> Plan:
    """The plan for Flickr30k in `data`, or for moving digits; see `captions.plan`."""
    needed: tuple[Needed, ...] = ()
    steps: list[Step] = []
    if quick:
        setting, digits = small_setting(out, gpu, shrink)
        steps.append(digits)
    else:
        annotations, folder = data / "dataset_flickr30k.json", data / "flickr30k-images"
        needed = (
            Needed(folder, "by request from https://shannon.cs.illinois.edu/DenotationGraph/"),
            Needed(
                annotations, "caption_datasets.zip from https://cs.stanford.edu/people/karpathy/"
            ),
            caffenet(data),
        )
        train, test = (Images(annotations, folder, split) for split in ("train", "test"))
        setting = paper_setting(out, train, test, needed[-1].path, gpu)
        # One stage: the convnet stays as it is.
        setting = replace(setting, stages=setting.stages[:1])
    steps += prepare_steps(setting)
    cells = []
    for title, (layers, is_factored) in FORMS.items():
        net = replace(setting.net, layers=layers, is_factored=is_factored)
        training, weights = train_steps(setting, title, net)
        name = title.replace(" ", "_")
        words = ("retrieve", *setting.test.words, *net_words(setting, title, weights[-1]))
        words += ("--scores", str(out / "results" / f"{name}.npy"), "--json")
        output = out / "results" / f"{name}.json"
        steps += [*training, Step(f"retrieve {title}", out, words, output=output, read=_recall)]
        for way in WAYS:
            numbers = _PAPER.get((title, way), (None,) * len(_SCORES))
            for (score, scale), paper in zip(_SCORES.items(), numbers, strict=True):
                key = f"{way}: {score}"
                cells.append(Cell(f"{title}: {way}", score, f"retrieve {title}", key, paper, scale))
    return Plan(TITLE, NOTE, needed, tuple(steps), tuple(cells))


def _recall(found: Any) -> Scores:
    return {f"{way}: {score}": float(found[way][score]) for way in WAYS for score in _SCORES}
