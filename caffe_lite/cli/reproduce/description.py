"""Video description (the paper's Table 9): a decoder fed with labels or with probabilities."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from caffe_lite.cli.reproduce import captions, small
from caffe_lite.cli.reproduce.files import (
    device_words,
    final_weights,
    train_words,
    write_files,
)
from caffe_lite.cli.reproduce.plan import REHEARSAL, Needed, Plan, Step
from caffe_lite.cli.reproduce.predictions import read_predictions, write_batches
from caffe_lite.lrcn.generate import Captions, description_files

TITLE = "Video description: BLEU and ROUGE-L in %, CIDEr-D"
NOTE = (
    "From semantic predictions of videos to sentences. The paper's BLEU-4 is that of its decoder "
    "of probabilities on TACoS Multilevel (arXiv:1411.4389v4, Table 9). The labels are the four "
    f"largest probabilities of each video. {REHEARSAL} Its predictions are true labels with noise."
)
INPUTS = {"labels": "LSTM decoder, labels", "probabilities": "LSTM decoder, probabilities"}
PAPER = {("probabilities", "BLEU-4"): 28.8}
ROLES = 4  # activity, tool, object and location: as many labels of a video are set to 1
_SPLITS = ("train", "val")


def plan(data: Path, out: Path, quick: bool, gpu: str | None, shrink: int = 1) -> Plan:
    """The plan for predictions and descriptions in `data`, or for moving digits."""
    source, steps, needed = data, [], _needed(data)
    net = Captions(layers=1, is_factored=False)
    decoding = ("--beam", "5", "--max-length", str(net.steps))
    if quick:
        source, needed = out / "digits", ()
        counts = 2000 // shrink, max(100 // shrink, 20)
        schedule = {"max_iter": max(2, 600 // shrink), "stepsize": 400, "base_lr": 0.004}
        schedule |= {"display": 50, "snapshot": 200, "test_interval": 10000, "test_iter": 1}
        net = replace(net, units=96, buffer=20, steps=10)
        net = replace(net, schedule={**schedule, "type": '"Adam"', "average_loss": 50})
        make = partial(small.write_described_digits, source, *counts)
        steps.append(Step("moving digits", source, make=make, settings=repr(counts)))
    cells = []
    for kind, title in INPUTS.items():
        folder = out / kind
        mine = replace(net, data=str(folder / "h5_data"))
        steps += _training(source, folder, kind, mine, gpu)
        weights = final_weights(folder, description_files(mine)["solver.prototxt"])
        found, annotations = out / "results" / f"{kind}.json", source / "val.json"
        words = ["caption", str(source), "--annotations", str(annotations), *decoding]
        words += ["--net", str(folder / "word_to_preds.deploy.prototxt")]
        words += ["--weights", str(weights), "--vocabulary", f"{mine.data}/vocabulary.txt"]
        words += ["--features", str(folder / "val.npy"), "--json", *device_words(gpu)]
        steps.append(Step(f"describe, {kind}", out, tuple(words), output=found))
        steps.append(captions.score_step(kind, out, found, annotations))
        cells += captions.score_cells(title, kind, PAPER)
    return Plan(TITLE, NOTE, needed, tuple(steps), tuple(cells))


def _needed(data: Path) -> tuple[Needed, ...]:
    captions_of = (
        'descriptions in COCO\'s form, made from TACoS Multilevel; its "images" are videos'
    )
    rows = "an array (videos, labels): the CRF's probabilities, in the order of"
    return tuple(
        need
        for split in _SPLITS
        for need in (
            Needed(data / f"{split}.json", captions_of),
            Needed(data / f"{split}_predictions.npy", f"{rows} {split}.json"),
        )
    )


def _training(source: Path, folder: Path, kind: str, net: Captions, gpu: str | None) -> list[Step]:
    """Prepare the data of one kind of input, and train its decoder."""

    def prepare(split: str) -> None:
        rows = read_predictions(source / f"{split}_predictions.npy")
        if kind == "labels":
            rows = largest(rows)
        np.save(folder / f"{split}.npy", rows)
        write_batches(net, split, source / f"{split}.json", folder / f"{split}.npy")

    def write() -> None:
        vocabulary = Path(net.data) / "vocabulary.txt"
        labels = read_predictions(folder / "train.npy").shape[1]
        words = len(vocabulary.read_text("utf-8").splitlines()) + 1
        convnet = replace(net.convnet, outputs=labels)
        write_files(folder, description_files(replace(net, words=words, convnet=convnet)))

    steps = [
        Step(f"prepare {split}, {kind}", folder, make=partial(prepare, split), settings=repr(net))
        for split in _SPLITS
    ]
    train = train_words("solver.prototxt", None, gpu)
    return [*steps, Step(f"train, {kind}", folder, train, make=write, settings=repr(net))]


def largest(rows: np.ndarray) -> np.ndarray:
    """1 at the ROLES largest probabilities of each row, else 0."""
    labels = np.zeros_like(rows)
    np.put_along_axis(labels, np.argsort(-rows, axis=1, kind="stable")[:, :ROLES], 1, axis=1)
    return labels
