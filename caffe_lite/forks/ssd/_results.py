"""Detections written to files in the formats of VOC, COCO and ILSVRC, on the host."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from caffe_lite.errors import DataError, did_you_mean
from caffe_lite.forks.ssd._lists import read_label_map, read_name_sizes
from caffe_lite.forks.ssd._pixels import to_pixels
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.types import Array

FORMATS = ("VOC", "COCO", "ILSVRC")


def check_format(name: str) -> None:
    """Raise DataError unless results can be written in this format."""
    if name not in FORMATS:
        raise DataError(
            f'output_format must be {", ".join(FORMATS)}, got "{name}"{did_you_mean(name, FORMATS)}'
        )


class Detection(NamedTuple):
    """One row of the results: corner, width and height in pixels, rounded to hundredths."""

    image: str
    label: int
    score: float
    x: float
    y: float
    width: float
    height: float

    def corners(self) -> str:
        """Whole pixels "xmin ymin xmax ymax", cut off as SSD does."""
        x, y, width, height = map(int, self[3:])
        return f"{x} {y} {x + width} {y + height}"


class Results:
    """Collects detections image by image, and writes them when a test is complete.

    A test has `num_test_image` images, by default all of `name_size_file`; then the next begins.
    DetectionOutput's page describes the files.
    """

    def __init__(self, param: Any, background: int) -> None:
        """Read the files that the SaveOutputParameter names."""
        self._param = param
        self._names = read_label_map(param.label_map_file)
        self._background = background
        self._images = read_name_sizes(param.name_size_file)
        count = param.num_test_image if param.HasField("num_test_image") else len(self._images)
        if not 0 < count <= len(self._images):
            raise DataError(
                f"{param.name_size_file}: has {len(self._images)} images, num_test_image asks for "
                f"{count}; it must be from 1 to that many"
            )
        self._count = count
        self._folder = Path(param.output_directory)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{self._folder}: cannot be made: {error.strerror}") from None
        self.done = 0
        self._detections: list[Detection] = []

    def add(self, rows: Array) -> None:
        """Take the next image's detections (K, 6): label, score, box in fractions of the image."""
        name, (height, width) = self._images[self.done]
        unknown = set(rows[:, 0].astype(int)) - self._names.keys()
        if unknown:
            raise DataError(
                f"{self._param.label_map_file}: has no name for label {min(unknown)}, which was "
                "detected; add it"
            )
        resize = self._param.resize_param if self._param.HasField("resize_param") else None
        boxes, _ = to_pixels(rows[:, 2:].astype(np.float32), height, width, resize)
        boxes[:, 2:] -= boxes[:, :2]
        rounded = np.floor(boxes.astype(float) * 100 + 0.5) / 100
        for row, numbers in zip(rows, rounded.tolist(), strict=True):
            score = float(f"{row[1]:.9g}")
            self._detections.append(Detection(name, int(row[0]), score, *numbers))
        self.done += 1
        if self.done == self._count:
            self._write()
            self.done, self._detections = 0, []

    def _write(self) -> None:
        prefix, form = self._param.output_name_prefix, self._param.output_format
        if form == "COCO":
            with atomic_path(self._folder / f"{prefix}.json") as path:
                path.write_text(json.dumps(self._as_coco(), indent=4) + "\n")
        elif form == "ILSVRC":
            self._write_lines(
                f"{prefix}.txt",
                (f"{d.image} {d.label} {d.score:g} {d.corners()}" for d in self._detections),
            )
        else:
            for label, name in self._names.items():
                if label != self._background:
                    mine = (d for d in self._detections if d.label == label)
                    lines = (f"{d.image} {d.score:g} {d.corners()}" for d in mine)
                    self._write_lines(f"{prefix}{name}.txt", lines)

    def _write_lines(self, name: str, lines: Iterable[str]) -> None:
        with atomic_path(self._folder / name) as path:
            path.write_text("".join(f"{line}\n" for line in lines))

    def _as_coco(self) -> list[dict[str, object]]:
        return [
            {
                "image_id": _number(d.image),
                "category_id": _number(self._names[d.label]),
                "bbox": [d.x, d.y, d.width, d.height],
                "score": d.score,
            }
            for d in self._detections
        ]


def _number(name: str) -> int | str:
    return int(name) if name.isdecimal() else name
