"""Window files: images with labelled boxes, as WindowData reads them for R-CNN."""

import os
from array import array
from collections.abc import Container, Iterator
from dataclasses import dataclass

from caffe_lite.data.lists import read_lines, whole_number
from caffe_lite.errors import DataError
from caffe_lite.proto.foreign import shorten


@dataclass(frozen=True)
class Window:
    """A box in an image, both corners included, with its class (0: background)."""

    image: int
    label: int
    x1: int
    y1: int
    x2: int
    y2: int


class Windows:
    """A list of windows in 24 bytes each; lists of R-CNN hold millions."""

    def __init__(self) -> None:
        self._numbers = array("i")

    def add(self, *numbers: int) -> None:
        """Append the window of these six int32."""
        self._numbers.extend(numbers)

    def __len__(self) -> int:
        return len(self._numbers) // 6

    def __getitem__(self, index: int) -> Window:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return Window(*self._numbers[6 * index : 6 * index + 6])


class WindowFile:
    """Images and their windows, divided into foreground and background by overlap.

    Each image has a block: `# index`, path, channels, height, width, number of windows, then one
    line `class overlap x1 y1 x2 y2` per window. A window with overlap >= `fg_threshold` is
    foreground and has a class above 0; one below `bg_threshold` is background, class 0; others are
    skipped. `root_folder` is prepended to every path. There must be windows of the kinds that
    `needed` names.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        fg_threshold: float = 0.5,
        bg_threshold: float = 0.5,
        root_folder: str = "",
        needed: Container[str] = ("foreground", "background"),
    ) -> None:
        self.name = os.fspath(path)
        self.paths: list[str] = []
        self.foreground, self.background = Windows(), Windows()
        words = self._words(path)
        for place, word in words:
            if word != "#":
                raise DataError(
                    f'{place}: a block must begin with "# index", got "{shorten(word)}"'
                )
            self._whole(words)
            self.paths.append(root_folder + self._next(words)[1])
            self._image_size(words)
            for _ in range(self._whole(words)):
                self._window(words, fg_threshold, bg_threshold)
        for kind, found in (("foreground", self.foreground), ("background", self.background)):
            if not found and kind in needed:
                raise DataError(
                    f"{self.name}: no {kind} windows under fg_threshold "
                    f"{fg_threshold:g} and bg_threshold {bg_threshold:g}; at least one "
                    "is needed"
                )

    def _words(self, path: str | os.PathLike[str]) -> Iterator[tuple[str, str]]:
        for number, line in read_lines(path, "images and windows"):
            for word in line.split():
                self._place = f"{self.name}:{number}"
                yield self._place, word

    def _next(self, words: Iterator[tuple[str, str]]) -> tuple[str, str]:
        found = next(words, None)
        if found is None:
            raise DataError(f"{self._place}: the file ends within a block; complete it")
        return found

    def _whole(self, words: Iterator[tuple[str, str]]) -> int:
        place, word = self._next(words)
        value = whole_number(word)
        if value is None:
            raise DataError(f'{place}: expected a whole number (int32), got "{shorten(word)}"')
        return value

    def _overlap(self, words: Iterator[tuple[str, str]]) -> float:
        place, word = self._next(words)
        try:
            return float(word)
        except ValueError:
            raise DataError(f'{place}: expected a number, got "{shorten(word)}"') from None

    def _image_size(self, words: Iterator[tuple[str, str]]) -> None:
        channels = self._whole(words)
        if channels != 3:
            raise DataError(
                f"{self._place}: images are read in colour and must be listed with 3 "
                f"channels, got {channels}"
            )
        for _ in ("height", "width"):
            self._whole(words)

    def _window(self, words: Iterator[tuple[str, str]], fg: float, bg: float) -> None:
        label, overlap = self._whole(words), self._overlap(words)
        corners = [self._whole(words) for _ in range(4)]
        image = len(self.paths) - 1
        if overlap >= fg:
            if label < 1:
                raise DataError(
                    f"{self._place}: a foreground window (overlap {overlap:g}) needs a "
                    f"class above 0, got {label}"
                )
            self.foreground.add(image, label, *corners)
        elif overlap < bg:
            self.background.add(image, 0, *corners)
