"""What is decided before anything is written: the net, sizes, batches, rates."""

from __future__ import annotations

import os
from dataclasses import dataclass

from caffe_lite.errors import UsageError, did_you_mean
from caffe_lite.fit.collection import Collection
from caffe_lite.fit.own_net import own_net
from caffe_lite.fit.split import Split
from caffe_lite.fit.templates import SMALL, TEMPLATES, body
from caffe_lite.proto import load
from caffe_lite.types import NetParameter

SCALE = 1 / 128  # of pixels, for nets that start from random weights
FRESH = 10.0  # how much faster a new last layer learns than layers with trained weights
FINE_TUNING_RATE = 0.001


@dataclass(frozen=True)
class Choices:
    """What the user chose; None is for what the images decide."""

    net: str | None = None
    weights: str | None = None
    size: int | None = None
    epochs: int = 30
    batch: int | None = None
    rate: float | None = None
    patience: int = 6
    mirror: bool = True
    seed: int = 1
    scale: float | None = None


@dataclass(frozen=True)
class Plan:
    """How the net is made and trained.

    Images are resized to `size` (height, width) and cropped to `crop`, 0 for not at all. `body`
    computes the blob `score` from the blob `data`.
    """

    net: str
    body: NetParameter
    data: str
    score: str
    grey: bool
    size: tuple[int, int]
    crop: int
    scale: float
    rate: float
    batch: int
    interval: int
    iterations: int


def make_plan(images: Collection, parts: Split, choices: Choices) -> Plan:
    """Decide what `choices` leave open. Raises UsageError for a net that is not known."""
    name = choices.net or _usual_net(images, choices)
    classes = len(images.classes)
    grey = images.grey
    data, score = "data", "score"
    if name in TEMPLATES:
        template = TEMPLATES[name]
        size, crop, small = _sizes(name, images, choices)
        fresh = FRESH if choices.weights else 1.0
        made = body(name, classes, small, fresh)
        rate = template.rate
        # Small nets are fit's own, and so are their weights; public ones want pixels as they are.
        scale = 1.0 if choices.weights and not small else SCALE
    else:
        if not os.path.isfile(name):
            hint = did_you_mean(name, TEMPLATES)
            raise UsageError(
                f"--net {name}: no such file, and no net of this name{hint}; known are "
                f"{', '.join(TEMPLATES)}"
            )
        whole = (choices.size, choices.size) if choices.size else images.size
        rename = "new" if choices.weights else ""
        own = own_net(load.load_net(name), name, classes, rename, (1 if grey else 3, *whole))
        if choices.size and own.shape[1:] != whole:
            raise UsageError(
                f"--size {choices.size}: the input of {name} has "
                f"{own.shape[1]} x {own.shape[2]} pixels; leave --size out"
            )
        made, data, score = own.body, own.data, own.score
        grey = own.shape[0] == 1
        height, width = own.shape[1:]
        square = height == width and height > SMALL
        crop = height if square else 0
        size = (round(height * 256 / 224),) * 2 if square else (height, width)
        rate = 0.01
        scale = own.scale or (1.0 if choices.weights else SCALE)
    batch = choices.batch or min(64, max(4, len(parts.train) // 10))
    per_epoch = max(1, round(len(parts.train) / batch))
    return Plan(
        name,
        made,
        data,
        score,
        grey,
        size,
        crop,
        choices.scale or scale,
        choices.rate or (FINE_TUNING_RATE if choices.weights else rate),
        batch,
        per_epoch,
        per_epoch * choices.epochs,
    )


def _usual_net(images: Collection, choices: Choices) -> str:
    if choices.weights:
        raise UsageError("--weights needs --net: the net that they belong to")
    return "lenet" if (choices.size or max(images.size)) <= SMALL else "resnet18"


def _sizes(name: str, images: Collection, choices: Choices) -> tuple[tuple[int, int], int, bool]:
    """The size of whole images, the crop, and whether they are small."""
    template = TEMPLATES[name]
    side = choices.size or max(images.size)
    if template.takes_small and side <= SMALL:
        if side < 20:
            raise UsageError(
                f"images of {side} pixels are smaller than {name} takes, 20; give --size 32"
            )
        return ((side, side) if choices.size else images.size), 0, True
    if choices.size is None or choices.size == template.size:
        return (template.size, template.size), template.crop % template.size, template.size <= SMALL
    crop = round(choices.size * template.crop / template.size)
    if not template.takes_small and crop < 195:
        raise UsageError(f"--size {choices.size}: {name} needs images of at least 220 pixels")
    return (choices.size, choices.size), crop % choices.size, False
