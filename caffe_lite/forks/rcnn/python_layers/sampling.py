"""Regions drawn for training, with their labels and codes, on the host."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.forks.boxes.codes import encode
from caffe_lite.forks.boxes.overlaps import iou
from caffe_lite.forks.rcnn.python_layers.settings import Settings
from caffe_lite.types import Array, Generator


class Drawn(NamedTuple):
    """B regions of an image, those of objects first."""

    boxes: Array  # (B, 4)
    objects: Array  # (B,) the object that each overlaps most
    labels: Array  # (B,) its class, 0 for background
    targets: Array  # (B, 4 K)
    inside: Array  # (B, 4 K)

    @property
    def tops(self) -> tuple[Array, Array, Array, Array]:
        """Labels, targets, inside and outside weights."""
        return self.labels, self.targets, self.inside, self.inside > 0


class Sampler:
    """Draws `batch_size` regions of an image for `classes` classes, the background among them."""

    def __init__(self, settings: Settings, classes: int) -> None:
        if classes < 2:
            raise DataError(f"num_classes, background included, must be at least 2, got {classes}")
        if settings.batch_size < 1 or not 0 <= settings.fg_fraction <= 1:
            raise DataError("BATCH_SIZE must be at least 1 and FG_FRACTION in [0, 1]")
        if settings.bbox_normalize_targets_precomputed and min(settings.bbox_normalize_stds) <= 0:
            raise DataError("BBOX_NORMALIZE_STDS must be positive")
        self._settings, self._classes = settings, classes
        self.columns = 4 * (2 if settings.agnostic else classes)

    def draw(
        self, rng: Generator, boxes: Array, objects: Array, classes: Array, count: int = 0
    ) -> Drawn:
        """Draw `count` (0: batch_size) of the boxes (R, 4) by objects (G, 4) and classes (G,).

        Fewer come where there are no more candidates. If none is a candidate, the box that overlaps
        an object least is background.
        """
        settings = self._settings
        if not ((classes >= 1) & (classes < self._classes)).all():
            raise DataError(
                f"classes of objects must be from 1 to {self._classes - 1}, got {classes.tolist()}"
            )
        count = count or settings.batch_size
        overlaps = iou(np, boxes, objects, extent=1)
        largest = overlaps.max(axis=1, initial=0)
        nearest = overlaps.argmax(axis=1) if len(objects) else np.zeros(len(boxes), int)
        of_objects = largest >= settings.fg_thresh if len(objects) else np.zeros(len(boxes), bool)
        background = (largest < settings.bg_thresh_hi) & (largest >= settings.bg_thresh_lo)
        share = int(np.round(settings.fg_fraction * count))
        first = _some(rng, np.flatnonzero(of_objects), share)
        others = _some(rng, np.flatnonzero(background & ~of_objects), count - len(first))
        if not len(first) + len(others):
            others = largest.argmin(keepdims=True)
        chosen = np.concatenate([first, others])
        labels = np.zeros(len(chosen))
        if len(objects):
            labels[: len(first)] = classes[nearest[first]]
        targets, inside = self._code(boxes[first], objects[nearest[first]], labels, len(first))
        return Drawn(boxes[chosen], nearest[chosen], labels, targets, inside)

    def _code(self, boxes: Array, objects: Array, labels: Array, count: int) -> tuple[Array, Array]:
        """Codes of the first `count` regions in the columns of their class, and their weights."""
        settings = self._settings
        targets, inside = (np.zeros((len(labels), self.columns)) for _ in range(2))
        codes = encode(np, "CENTER_SIZE", objects, boxes, extent=1)
        if settings.bbox_normalize_targets_precomputed:
            codes = (codes - settings.bbox_normalize_means) / settings.bbox_normalize_stds
        rows = np.arange(count)[:, None]
        starts = np.ones(count) if settings.agnostic else labels[:count]
        columns = 4 * starts[:, None].astype(int) + np.arange(4)
        targets[rows, columns] = codes
        inside[rows, columns] = settings.bbox_inside_weights
        return targets, inside


def object_rows(blob: Any) -> Array:
    """The objects (G, 5 or more) of a blob, x1, y1, x2, y2, class and what else they have.

    Raises DataError for fewer columns, and for corners that are not in order or NaN.
    """
    columns = prod(blob.data.shape[1:])
    if columns < 5:
        raise DataError(f"objects have at least 5 columns, got {columns}")
    objects: Array = blob.data.reshape(-1, columns).astype(float)
    bad = ~(objects[:, :2] <= objects[:, 2:4]).all(axis=1)
    if bad.any():
        raise DataError(
            "objects have corners x1 <= x2 and y1 <= y2, both inside, got "
            f"{objects[bad][0, :4].tolist()}"
        )
    return objects


def _some(rng: Generator, chosen: Array, limit: int) -> Array:
    """At most `limit` of the indices, drawn without replacement."""
    return chosen if len(chosen) <= limit else rng.choice(chosen, limit, replace=False)
