"""The objects of an image, and how crops and resizing move their boxes; on the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_lite.forks.boxes.frames import project
from caffe_lite.forks.boxes.overlaps import coverage
from caffe_lite.proto import schema
from caffe_lite.types import Array


@dataclass(frozen=True)
class Annotations:
    """K objects: label (K,), instance (K,), box (K, 4) in fractions of the image, difficulty (K,).

    An instance counts the objects of one label in an image.
    """

    label: Array
    instance: Array
    boxes: Array
    difficult: Array

    def __len__(self) -> int:
        return len(self.label)

    def only(self, chosen: Array) -> Annotations:
        """Those that a mask (K,) chooses."""
        return Annotations(
            self.label[chosen], self.instance[chosen], self.boxes[chosen], self.difficult[chosen]
        )

    def moved(self, boxes: Array) -> Annotations:
        """The same objects in other boxes (K, 4)."""
        return Annotations(self.label, self.instance, boxes, self.difficult)

    def within(self, frame: Array, emit: Any = None) -> Annotations:
        """Those that a crop keeps, in its coordinates and cut to it.

        `frame` (4,) is the crop, which may be larger than the image; `emit` an EmitConstraint that
        boxes have to meet, if any. A box that shares no area with the crop is dropped.
        """
        boxes, kept = project(np, frame, self.boxes)
        if emit is not None:
            kept &= self._emitted(frame, emit)
        return self.moved(boxes).only(kept)

    def _emitted(self, frame: Array, emit: Any) -> Array:
        if emit.emit_type == schema.EmitConstraint.MIN_OVERLAP:
            return coverage(np, self.boxes, frame[None])[:, 0] > emit.emit_overlap
        center = (self.boxes[:, :2] + self.boxes[:, 2:]) / 2
        return np.all((center >= frame[:2]) & (center <= frame[2:]), axis=1)

    def mirrored(self) -> Annotations:
        """Left and right exchanged."""
        return self.moved(
            np.column_stack(
                [1 - self.boxes[:, 2], self.boxes[:, 1], 1 - self.boxes[:, 0], self.boxes[:, 3]]
            )
        )

    def rows(self, image: int) -> Array:
        """Rows (K, 8) of image, label, instance, box and difficulty."""
        first = np.full(len(self), image, np.float32)
        return np.column_stack([first, self.label, self.instance, self.boxes, self.difficult])


def read_annotations(record: Any) -> Annotations:
    """The objects of an AnnotatedDatum, group by group."""
    found = [
        (group.group_label, each.instance_id, each.bbox)
        for group in record.annotation_group
        for each in group.annotation
    ]
    boxes = [(box.xmin, box.ymin, box.xmax, box.ymax) for _, _, box in found]
    return Annotations(
        np.array([label for label, _, _ in found], np.int64),
        np.array([instance for _, instance, _ in found], np.int64),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([box.difficult for _, _, box in found], bool),
    )
