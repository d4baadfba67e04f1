"""Lists of images and their label images, "image labels" a line, read on the host."""

import os
from typing import Any

import numpy as np

from caffe_lite.data.lists import read_lines, whole_number
from caffe_lite.errors import DataError
from caffe_lite.proto.foreign import shorten

Entry = list[Any]


class PairList:
    """Entries of a list file, cyclically; with `shuffle`, in another order in each pass.

    `kinds` says what a line holds: a "path" or a whole "number" each, separated by blanks; what
    follows is ignored. `roots` are put before the paths, one for each, or none for all: then paths
    are relative to the working directory or, where the first file is not there but beside the list,
    to the list's folder. `rand_skip` starts at a random entry below it.
    """

    def __init__(
        self,
        source: str,
        rng: np.random.Generator,
        kinds: tuple[str, ...],
        roots: tuple[str, ...] = (),
        shuffle: bool = False,
        rand_skip: int = 0,
    ) -> None:
        self.source, self.rng, self.shuffle = source, rng, shuffle
        self._kinds = kinds
        lines = read_lines(source, "images and their labels")
        self._entries = [self._parse(number, line) for number, line in lines]
        self._place_paths(iter(roots if any(roots) else ()))
        self._enter()
        if rand_skip:
            self._position = int(rng.integers(rand_skip))
            if self._position >= len(self._entries):
                raise DataError(
                    f"{source}: rand_skip skips {self._position} of {len(self._entries)} entries; "
                    "make rand_skip smaller than the list"
                )

    def _parse(self, number: int, line: str) -> Entry:
        words = line.split()[: len(self._kinds)]
        entry: Entry = []
        for word, kind in zip(words, self._kinds, strict=False):
            entry.append(word if kind == "path" else whole_number(word))
        if len(words) < len(self._kinds) or None in entry:
            expected = " ".join(f"<{kind}>" for kind in self._kinds)
            raise DataError(
                f'{self.source}:{number}: "{expected}" expected, got "{shorten(line, 100)}"'
            )
        return entry

    def _place_paths(self, roots: Any) -> None:
        first = self._entries[0][0]
        folder = os.path.join(os.path.dirname(self.source), "")
        beside = not os.path.exists(first) and os.path.exists(os.path.join(folder, first))
        for i, kind in enumerate(self._kinds):
            root = next(roots, folder if beside else "") if kind == "path" else ""
            for entry in self._entries if root else ():
                entry[i] = root + entry[i]

    def _enter(self) -> None:
        """Begin a pass."""
        self._position = 0
        self._before_order = self.rng.bit_generator.state
        self._order = self.rng.permutation(len(self._entries)) if self.shuffle else None

    def next(self) -> Entry:
        """The next entry: paths as strings, numbers as integers."""
        if self._position == len(self._entries):
            self._enter()
        index = self._position if self._order is None else int(self._order[self._position])
        self._position += 1
        return self._entries[index]

    def get_state(self) -> dict[str, Any]:
        """What decides the entries to come, as plain numbers and dicts."""
        return {
            "position": self._position,
            "rng_before_order": self._before_order,
            "rng": self.rng.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore a state that `get_state` returned."""
        if state["position"] > len(self._entries):
            raise DataError(
                f"{self.source}: the saved state is at entry {state['position']}, the list has "
                f"{len(self._entries)}; restore the list, or start from the beginning"
            )
        self.rng.bit_generator.state = state["rng_before_order"]
        self._enter()
        self._position = state["position"]
        self.rng.bit_generator.state = state["rng"]
