"""Captions of COCO's images by LRCN with two factored layers, scored as at COCO."""

from __future__ import annotations

from collections.abc import Mapping
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

TITLE = "Captions of images: BLEU and ROUGE-L in %, CIDEr-D"
NOTE = (
    "Ours are on COCO's val2014, with CaffeNet. The paper's CIDEr-D is that of its best net "
    "(VGGNet, fine-tuned, on COCO's test set, arXiv:1411.4389v4, Table 7), so it is a mark to "
    f"compare with rather than the same experiment. {REHEARSAL}"
)
_SCORES = {f"BLEU-{n}": 100.0 for n in (1, 2, 3, 4)} | {"ROUGE-L": 100.0, "CIDEr": 1.0}


def plan(data: Path, out: Path, quick: bool, gpu: str | None, shrink: int = 1) -> Plan:
    """The plan for COCO in `data`, or for moving digits; `shrink` divides a rehearsal's sizes."""
    needed: tuple[Needed, ...] = ()
    steps: list[Step] = []
    if quick:
        setting, digits = small_setting(out, gpu, shrink)
        steps.append(digits)
        decoding = ("--beam", "3", "--max-length", "12")
    else:
        train, test = (
            Images(data / f"captions_{name}.json", data / name) for name in ("train2014", "val2014")
        )
        where = "https://cocodataset.org/#download"
        needed = (
            Needed(train.folder, f"2014 train images, {where}"),
            Needed(test.folder, f"2014 val images, {where}"),
            Needed(train.annotations, f"from 2014 train/val annotations, {where}"),
            Needed(test.annotations, f"from 2014 train/val annotations, {where}"),
            caffenet(data),
        )
        setting = paper_setting(out, train, test, data / needed[-1].path.name, gpu)
        decoding = ("--sample", "100", "--inverse-temperature", "1.5")
    steps += prepare_steps(setting)
    title = "2 layers factored"
    training, weights = train_steps(setting, title, setting.net)
    steps += training
    cells = []
    for stage, each in zip(setting.stages, weights, strict=True):
        name = title + (", fine-tuned" if stage else "")
        found = out / "results" / f"captions_{stage or 'frozen_'}.json".replace("_.", ".")
        words = ("caption", *setting.test.words, *net_words(setting, title, each), *decoding)
        steps.append(Step(f"caption, {name}", out, (*words, "--json"), output=found))
        steps.append(score_step(name, out, found, setting.test.annotations))
        cells += score_cells(name, name, {(name, "CIDEr"): 0.934} if stage else {})
    return Plan(TITLE, NOTE, needed, tuple(steps), tuple(cells))


def score_step(name: str, out: Path, found: Path, annotations: Path) -> Step:
    """Score the captions in the file `found`."""
    words = ("score", str(found), str(annotations), "--json")
    output = found.with_name(f"scores_{found.name}")
    return Step(f"score, {name}", out, words, output=output, read=_scores)


def score_cells(row: str, name: str, paper: Mapping[tuple[str, str], float]) -> list[Cell]:
    """The cells of `score_step(name)`; `paper` has numbers by (name, score)."""
    return [
        Cell(
            row,
            score,
            f"score, {name}",
            score,
            paper.get((name, score)),
            scale,
            3 if score == "CIDEr" else 1,
        )
        for score, scale in _SCORES.items()
    ]


def _scores(found: Any) -> Scores:
    return {name: float(found["scores"][name]) for name in _SCORES}
