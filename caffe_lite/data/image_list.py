"""Lists of images and labels, "path label" a line, as ImageData and convert_imageset read them."""

import os
import re
from array import array
from itertools import chain
from typing import Any

import numpy as np

from caffe_lite.data.lists import read_lines
from caffe_lite.errors import DataError
from caffe_lite.proto.foreign import shorten

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LARGEST = float(np.finfo(np.float32).max)


class ImageList:
    """Entries (path, labels) of a list file, cyclically; with `shuffle`, shuffled in each pass.

    A path may contain spaces: the label follows the last one. Unlike in Caffe, labels may be
    fractions, and a line may end in several of them. Their number is `label_count`, or that of the
    first line's trailing numbers, or 1 if the text before its last number is a file; all lines
    must agree.

    `root_folder` is prepended to each path unchanged. Without it, paths are relative to the working
    directory or, if the first is found next to the list only, to the list's folder. `rand_skip`
    starts at a random entry below it, after the first shuffle.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        rng: np.random.Generator,
        root_folder: str = "",
        shuffle: bool = False,
        rand_skip: int = 0,
        label_count: int | None = None,
    ) -> None:
        self.source = os.fspath(source)
        self.rng = rng
        self.root_folder = root_folder
        self.shuffle = shuffle
        lines = read_lines(source, "images and labels")
        first = next(lines)
        self.label_count = label_count or self._guess_label_count(first[1])
        if not root_folder:
            self.root_folder = self._folder(self._split(*first)[0])
        self.paths: list[str] = []
        labels = array("f")
        for number, line in chain([first], lines):
            path, values = self._split(number, line)
            self.paths.append(path)
            labels.extend(values)
        self.labels = np.frombuffer(labels, np.float32).reshape(-1, self.label_count)
        self._enter()
        if rand_skip:
            self._position = int(rng.integers(rand_skip))
            if self._position >= len(self):
                raise DataError(
                    f"{self.source}: rand_skip skips {self._position} of {len(self)} entries; "
                    "make rand_skip smaller than the list"
                )

    def _folder(self, path: str) -> str:
        """The prefix with which `path` is found: nothing, or the list's own folder."""
        folder = os.path.join(os.path.dirname(self.source), "")
        beside = not os.path.exists(path) and os.path.exists(os.path.join(folder, path))
        return folder if beside else ""

    def _guess_label_count(self, line: str) -> int:
        words = line.split()
        path = line.rpartition(words[-1])[0].rstrip()
        if os.path.exists((self.root_folder or self._folder(path)) + path):
            return 1
        count = 0
        while count < len(words) - 1 and _NUMBER.fullmatch(words[-1 - count]):
            count += 1
        return max(count, 1)

    def _split(self, number: int, line: str) -> tuple[str, list[float]]:
        path, *labels = line.rsplit(maxsplit=self.label_count)
        if len(labels) != self.label_count or not all(map(_NUMBER.fullmatch, labels)):
            expected = "a label" if self.label_count == 1 else f"{self.label_count} labels"
            raise DataError(
                f"{self.source}:{number}: expected a path and {expected}, "
                f'got "{shorten(line, 100)}"'
            )
        values = [float(label) for label in labels]
        if max(map(abs, values)) > _LARGEST:
            raise DataError(
                f"{self.source}:{number}: a label is beyond float32's range: "
                f'"{shorten(" ".join(labels))}"'
            )
        return path, values

    def __len__(self) -> int:
        return len(self.paths)

    def _enter(self) -> None:
        """Start a pass."""
        self._position = 0
        self._before_order = self.rng.bit_generator.state
        self._order = self.rng.permutation(len(self)) if self.shuffle else None

    def next(self) -> tuple[str, np.ndarray]:
        """The next entry: the image's path and its labels (label_count,)."""
        if self._position == len(self):
            self._enter()
        index = self._position if self._order is None else int(self._order[self._position])
        self._position += 1
        return self.root_folder + self.paths[index], self.labels[index]

    def get_state(self) -> dict[str, Any]:
        """The position and the random state, as plain numbers and dicts."""
        return {
            "position": self._position,
            "rng_before_order": self._before_order,
            "rng": self.rng.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from a state that `get_state` returned."""
        if state["position"] > len(self):
            raise DataError(
                f"{self.source}: the saved state is at entry {state['position']}, the list has "
                f"{len(self)}; restore the list, or start a new run"
            )
        self.rng.bit_generator.state = state["rng_before_order"]
        self._enter()
        self._position = state["position"]
        self.rng.bit_generator.state = state["rng"]
