"""Text in pictures: the font DejaVu, measuring, shortening and wrapping.

DejaVu covers Latin, Greek, Cyrillic and more; it comes with matplotlib.
"""

import os
import unicodedata
from functools import cache
from pathlib import Path

from PIL import ImageFont

from caffe_lite.errors import CaffeError

Font = ImageFont.FreeTypeFont
ELLIPSIS = "…"


@cache
def font(size: int, bold: bool = False) -> Font:
    """DejaVu Sans of `size` pixels. Raises CaffeError without matplotlib, which brings it."""
    path = _fonts() / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
    try:
        return ImageFont.truetype(os.fspath(path), size, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise CaffeError(f"{path}: the font of pictures cannot be read: {error}") from None


def line_height(of: Font) -> int:
    """Pixels from one line to the next."""
    ascent, descent = of.getmetrics()
    return ascent + descent + 1


def width(text: str, of: Font) -> int:
    """The width of one line in pixels, rounded up."""
    return -int(-of.getlength(text) // 1)


def printable(text: str) -> str:
    """`text` as one line: white space becomes single spaces, what cannot be printed becomes �.

    Accents that follow their letters are joined with them, as the font has these as one character.
    """
    joined = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(each if each.isprintable() else "�" for each in joined)


def shorten(text: str, of: Font, room: int) -> str:
    """The beginning of `text` with an ellipsis, or all of it, at most `room` pixels wide."""
    if width(text, of) <= room:
        return text
    return _beginning(text, of, room - width(ELLIPSIS, of)).rstrip() + ELLIPSIS


def wrap(text: str, of: Font, room: int, most: int | None = None) -> list[str]:
    """`text` in lines of at most `room` pixels, broken at spaces, and inside words that are wider.

    If there are more than `most` lines, the last one kept ends with an ellipsis.
    """
    lines, left = [], text.split(" ")
    while left:
        line, left = _first_line(left, of, room)
        lines.append(line)
    if most is not None and len(lines) > most:
        return [*lines[: most - 1], shorten(" ".join(lines[most - 1 :]), of, room)]
    return lines


def _first_line(words: list[str], of: Font, room: int) -> tuple[str, list[str]]:
    """As many of `words` as fit into one line, and the rest."""
    line = words[0]
    if width(line, of) > room:
        line = _beginning(line, of, room) or line[0]
        rest = words[0][len(line) :]
        return line, [rest, *words[1:]] if rest else words[1:]
    count = 1
    while count < len(words) and width(f"{line} {words[count]}", of) <= room:
        line, count = f"{line} {words[count]}", count + 1
    return line, words[count:]


def _beginning(text: str, of: Font, room: int) -> str:
    """The longest beginning of `text` of at most `room` pixels."""
    fits, too_long = 0, len(text) + 1
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if width(text[:middle], of) <= room:
            fits = middle
        else:
            too_long = middle
    return text[:fits]


@cache
def _fonts() -> Path:
    try:
        import matplotlib
    except ImportError:
        raise CaffeError(
            "pictures are drawn with a font of matplotlib, which is not installed: "
            'pip install "caffe_lite[demo]"'
        ) from None
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"
