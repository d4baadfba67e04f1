"""The steps that the captioning and retrieval experiments share: data, and a trained captioner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from caffe_lite.cli.reproduce import small
from caffe_lite.cli.reproduce.files import (
    device_words,
    final_weights,
    train_words,
    write_files,
)
from caffe_lite.cli.reproduce.plan import Needed, Step
from caffe_lite.lrcn.generate import Captions, caption_files

CAFFENET = "bvlc_reference_caffenet.caffemodel"
CAFFENET_SOURCE = f"http://dl.caffe.berkeleyvision.org/{CAFFENET}"
STAGES = ("", "finetune_")  # the language layers alone, then the whole net


@dataclass(frozen=True)
class Images:
    """Captioned images: a caption file, the folder of its images, and a split of the file."""

    annotations: Path
    folder: Path
    split: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The options of `caption` and `retrieve` that select them."""
        split = ("--split", self.split) if self.split else ()
        return (str(self.folder), "--annotations", str(self.annotations), *split)


@dataclass(frozen=True)
class Setting:
    """Where an experiment reads and writes, and what its captioners have in common.

    `net` holds the sizes; its number of words is that of the vocabulary. `weights` is the file that
    the first of `stages` starts from.
    """

    out: Path
    train: Images
    test: Images
    net: Captions
    stages: tuple[str, ...]
    weights: Path | None
    is_small: bool
    gpu: str | None

    @property
    def vocabulary(self) -> Path:
        return Path(self.net.data) / "vocabulary.txt"


def paper_setting(
    out: Path, train: Images, test: Images, weights: Path, gpu: str | None
) -> Setting:
    """The paper's sizes and schedule, from CaffeNet's weights."""
    net = Captions(data=str(out / "h5_data"))
    return Setting(out, train, test, net, STAGES, weights, False, gpu)


def small_setting(out: Path, gpu: str | None, shrink: int) -> tuple[Setting, Step]:
    """A rehearsal on moving digits, and the step that writes these."""
    digits = out / "digits"
    counts = 2000 // shrink, max(100 // shrink, 20)
    schedule: dict[str, float | str] = {"type": '"Adam"', "base_lr": 0.004}
    schedule |= {"max_iter": max(2, 1200 // shrink)}
    schedule |= {"stepsize": 800, "display": 50, "average_loss": 50, "snapshot": 200}
    schedule |= {"test_interval": 10000, "test_iter": 1, "clip_gradients": 10}
    net = Captions(
        units=96,
        data=str(out / "h5_data"),
        buffer=20,
        steps=10,
        size=small.SIZE,
        crop=small.CROP,
        mirror=False,
        convnet=small.CONVNET,
        schedule=schedule,
    )
    train, test = (
        Images(digits / f"{split}.json", digits / "images") for split in ("train", "val")
    )
    setting = Setting(out, train, test, net, STAGES[1:], None, True, gpu)

    def make() -> None:
        small.write_captioned_digits(digits, *counts)

    return setting, Step("moving digits", digits, make=make, settings=repr(counts))


def prepare_steps(setting: Setting) -> list[Step]:
    """Write the training images as batches, and the test images with the same vocabulary."""
    net, steps = setting.net, []
    for name, images in (("train", setting.train), ("val", setting.test)):
        words = ["prepare", "captions", "--annotations", str(images.annotations)]
        words += ["--images", str(images.folder), "--out", net.data, "--layout", "aligned"]
        words += ["--buffer", str(net.buffer), "--steps", str(net.steps)]
        words += ["--split", images.split or name]
        words += ["--vocabulary", str(setting.vocabulary)] if name == "val" else []
        steps.append(Step(f"prepare {name}", setting.out, tuple(words)))
    return steps


def train_steps(setting: Setting, title: str, net: Captions) -> tuple[list[Step], list[Path]]:
    """Train a captioner; the weights that each stage leaves."""
    folder = setting.out / title.replace(" ", "_")
    start, steps, left = setting.weights, [], []

    def make() -> None:
        count = len(setting.vocabulary.read_text("utf-8").splitlines()) + 1
        write_files(folder, caption_files(replace(net, words=count)))

    for stage in setting.stages:
        solver = f"{stage}solver.prototxt"
        words = train_words(solver, start, setting.gpu)
        name = f"train {title}" + " fine-tuned" * (stage != "")
        steps.append(Step(name, folder, words, make=make, settings=repr(net)))
        start = final_weights(folder, caption_files(net)[solver])
        left.append(start)
    return steps, left


def net_words(setting: Setting, title: str, weights: Path) -> tuple[str, ...]:
    """The options of `caption` and `retrieve` that name a captioner's files."""
    folder = setting.out / title.replace(" ", "_")
    words = ["--net", str(folder / "word_to_preds.deploy.prototxt"), "--weights", str(weights)]
    words += ["--image-net", str(folder / "image.deploy.prototxt")]
    words += ["--vocabulary", str(setting.vocabulary)]
    if setting.is_small:
        words += ["--mean", "104,117,123", "--resize", f"{small.SIZE},{small.SIZE}"]
    return (*words, *device_words(setting.gpu))


def caffenet(data: Path) -> Needed:
    return Needed(data / CAFFENET, CAFFENET_SOURCE)
