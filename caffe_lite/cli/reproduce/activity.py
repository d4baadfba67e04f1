"""Activity recognition on UCF101 (the paper's Table 1): single frames and LRCN, RGB and flow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from caffe_lite.cli.reproduce import small
from caffe_lite.cli.reproduce.files import (
    device_words,
    final_weights,
    train_words,
    write_files,
)
from caffe_lite.cli.reproduce.plan import REHEARSAL, Cell, Needed, Plan, Scores, Step
from caffe_lite.lrcn.generate import Activity, activity_files

TITLE = "Activity recognition: accuracy, %"
NOTE = (
    "The paper's numbers are means over UCF101's three splits (arXiv:1411.4389v4, Table 1). "
    f"{REHEARSAL}"
)
KINDS = {"frame": "Single frame", "lstm": "LRCN-fc6"}
COLUMNS = {
    "rgb": "RGB",
    "flow": "flow",
    "1/2": "1/2 RGB, 1/2 flow",
    "1/3": "1/3 RGB, 2/3 flow",
}
PAPER = {
    "frame": {"rgb": 67.37, "flow": 74.37, "1/2": 75.46, "1/3": 78.94},
    "lstm": {"rgb": 68.20, "flow": 77.28, "1/2": 80.90, "1/3": 82.34},
}
SPLITS = (1, 2, 3)
_SCHEDULES = {  # of the rehearsal
    "frame": {"base_lr": 0.001, "max_iter": 250, "stepsize": 200},
    "lstm": {"base_lr": 0.005, "max_iter": 250, "stepsize": 200},
}


@dataclass(frozen=True)
class _Source:
    """Videos: folders of frames and of flow images, lists (train, test) by split, first steps."""

    frames: Path
    flow: Path
    lists: dict[int, tuple[Path, Path]]
    steps: tuple[Step, ...]
    needed: tuple[Needed, ...] = ()
    convnet: Path | None = None


def plan(data: Path, out: Path, quick: bool, gpu: str | None, shrink: int = 1) -> Plan:
    """The plan for UCF101 in `data`, or for moving digits; `shrink` divides a rehearsal's sizes."""
    source = _digits(out, shrink) if quick else _ucf101(data, out)
    steps = list(source.steps)
    weights: dict[tuple[str, str, int], Path] = {}
    for split in source.lists:
        for modality in ("rgb", "flow"):
            start = source.convnet
            for kind in KINDS:
                net = _net(kind, modality, quick, shrink)
                step, start = _training(source, split, kind, net, start, out, gpu)
                steps.append(step)
                weights[kind, modality, split] = start
    cells = []
    for kind, title in KINDS.items():
        for column, heading in COLUMNS.items():
            name = f"classify {kind} {column}"
            words = _classify(source, kind, column, weights, out)
            words += _digits_input(column) if quick else ()
            output = out / "results" / f"{kind}_{column.replace('/', '_')}.json"
            words += device_words(gpu)
            steps.append(Step(name, out, words, output=output, read=_accuracy))
            cells.append(Cell(title, heading, name, "accuracy", PAPER[kind][column], 100, 2))
    return Plan(TITLE, NOTE, source.needed, tuple(steps), tuple(cells))


def _training(
    source: _Source,
    split: int,
    kind: str,
    net: Activity,
    start: Path | None,
    out: Path,
    gpu: str | None,
) -> tuple[Step, Path]:
    """Train one net from the weights `start`; also the weights that it leaves."""
    folder = out / f"split{split}" / f"{kind}_{net.modality}"
    files = activity_files(net)
    variables = {
        "LRCN_RGB_FRAMES": str(source.frames),
        "LRCN_FLOW_FRAMES": str(source.flow),
        "LRCN_TRAIN_LIST": str(source.lists[split][0]),
        "LRCN_TEST_LIST": str(source.lists[split][1]),
    }
    step = Step(
        f"train {kind} {net.modality} split {split}",
        folder,
        train_words("solver.prototxt", start, gpu),
        variables,
        partial(write_files, folder, files),
        settings=repr(net),
    )
    return step, final_weights(folder, files["solver.prototxt"])


def _net(kind: str, modality: str, quick: bool, shrink: int) -> Activity:
    layers = 1 if kind == "lstm" else 0
    if not quick:
        return Activity(modality=modality, layers=layers)
    schedule: dict[str, float] = {**_SCHEDULES[kind], "display": 50, "average_loss": 50}
    schedule |= {"snapshot": 100, "test_interval": 1000, "test_iter": 1, "clip_gradients": 15}
    schedule["max_iter"] = max(2, int(schedule["max_iter"]) // shrink)
    return Activity(
        modality=modality,
        layers=layers,
        units=64,
        classes=10,
        clips=8 if layers else 4,
        test_clips=4,
        crop=small.CROP,
        size=(small.SIZE, small.SIZE),
        mirror=False,
        dropout=0.2,
        convnet=small.CONVNET,
        schedule=schedule,
    )


def _digits(out: Path, shrink: int) -> _Source:
    folder = out / "data"
    train, test = max(500 // shrink // 20, 1) * 20, max(100 // shrink // 20, 1) * 20
    words = ("prepare", "moving_digits", "--forms", "frames", "--out", str(folder))
    sizes = ("--train-clips", str(train), "--test-clips", str(test))
    lists = {1: (folder / "train_videos.txt", folder / "test_videos.txt")}
    steps = (Step("moving digits", out, words + sizes),)
    return _Source(folder / "frames", folder / "flow_images", lists, steps)


def _ucf101(data: Path, out: Path) -> _Source:
    videos, official = data / "UCF-101", data / "ucfTrainTestlist"
    convnet = data / "convnet.caffemodel"
    where = "https://www.crcv.ucf.edu/data/UCF101.php"
    needed = (
        Needed(videos, f"UCF101.rar from {where}, unpacked"),
        Needed(official, f"UCF101TrainTestSplits-RecognitionTask.zip from {where}, unpacked"),
        Needed(
            convnet,
            "the convnet trained on ImageNet that LRCN's activity nets start from, from LRCN's "
            "project page, under this name",
        ),
    )
    frames = ("prepare", "videos", str(videos), "--out", "frames", "--size", "240x320")
    steps = [
        Step("frames", out, frames),
        Step("flow", out, ("prepare", "flow", "frames", "--out", "flow_images")),
    ]
    lists = {}
    for split in SPLITS:
        paths = {phase: out / f"split{split}" / f"{phase}.txt" for phase in ("train", "test")}
        for phase, path in paths.items():
            words = ["prepare", "lists", str(official / f"{phase}list0{split}.txt")]
            words += ["--classes", str(official / "classInd.txt"), "--out", str(path)]
            steps.append(Step(f"list {phase} split {split}", path.parent, tuple(words)))
        lists[split] = (paths["train"], paths["test"])
    return _Source(out / "frames", out / "flow_images", lists, tuple(steps), needed, convnet)


def _classify(
    source: _Source,
    kind: str,
    column: str,
    weights: dict[tuple[str, str, int], Path],
    out: Path,
) -> tuple[str, ...]:
    """The words of `classify-video` for one number of the table."""
    first = "flow" if column == "flow" else "rgb"

    def net(modality: str) -> str:
        return str(out / "split1" / f"{kind}_{modality}" / "deploy.prototxt")

    folder = source.flow if first == "flow" else source.frames
    words = ["classify-video", str(folder), "--net", net(first), "--frames", first, "--json"]
    words += ["--features", str(out / "features" / kind)]
    for split, (_, test_list) in source.lists.items():
        words += ["--list", str(test_list), "--weights", str(weights[kind, first, split])]
    if column not in ("rgb", "flow"):
        words += ["--flow", str(source.flow), "--flow-net", net("flow"), "--rgb-weight", column]
        for split in source.lists:
            words += ["--flow-weights", str(weights[kind, "flow", split])]
    return tuple(words)


def _digits_input(column: str) -> tuple[str, ...]:
    """What `classify-video` does by itself for nets of 227 pixels; one crop, not mirrored."""
    words = ["--crops", "1", "--resize", f"{small.SIZE},{small.SIZE}"]
    words += ["--mean", "128" if column == "flow" else "103.939,116.779,128.68"]
    words += ["--flow-mean", "128"] if column in ("1/2", "1/3") else []
    return tuple(words)


def _accuracy(found: Any) -> Scores:
    return {"accuracy": float(found["accuracy"])}
