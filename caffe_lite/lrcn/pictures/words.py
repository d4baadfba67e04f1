"""Captions word by word: each word with its probability as a column above it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caffe_lite.lrcn.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    SERIES,
    TRACK,
    Canvas,
    Picture,
    percent,
)
from caffe_lite.lrcn.pictures.text import font, line_height, printable, shorten, width

MOST = 200  # images in a picture
END = "(end)"
_WIDTH, _THUMB, _COLUMN, _GAP = 1000, (176, 132), 56, 14
_LEAST, _LONGEST = 40, 160  # pixels that a word takes


@dataclass(frozen=True)
class Spoken:
    """An image (H, W, 1 or 3) uint8, B G R, or None; its name; (word, probability) of its caption.

    The end of the sentence is a word too, END.
    """

    name: str
    image: np.ndarray | None
    words: Sequence[tuple[str, float]]


def draw_words(title: str, items: Sequence[Spoken]) -> Picture:
    """A row per image, 1,000 pixels wide: the image, and its words beside it in lines."""
    lines = [_lines([word for word, _ in item.words]) for item in items]
    heights = [max(_THUMB[1] + line_height(font(11)) + 4, len(its) * _row()) for its in lines]
    canvas = Canvas(_WIDTH, 52 + sum(heights) + len(items) * MARGIN)
    canvas.text(MARGIN, 14, title, font(18, True), INK, _WIDTH - 2 * MARGIN)
    y = 52
    for item, its, height in zip(items, lines, heights, strict=True):
        canvas.image(item.image, (MARGIN, y, MARGIN + _THUMB[0], y + _THUMB[1]))
        canvas.text(MARGIN, y + _THUMB[1] + 3, item.name, font(11), FAINT, _THUMB[0])
        rest = list(item.words)
        for number, places in enumerate(its):
            for (word, probability), place in zip(rest, places, strict=False):
                _draw_word(canvas, place, y + number * _row(), word, probability)
            rest = rest[len(places) :]
        y += height + MARGIN
    return canvas.picture


def _row() -> int:
    """Pixels from one line of words to the next: number, column, word, space."""
    return line_height(font(11)) + _COLUMN + 3 + line_height(font(14)) + 8


def _lines(words: Sequence[str]) -> list[list[tuple[int, int]]]:
    """The left and right edge of each word, by lines."""
    start = 2 * MARGIN + _THUMB[0]
    lines: list[list[tuple[int, int]]] = [[]]
    x = start
    for word in words:
        wide = min(max(width(printable(word), font(14)), _LEAST), _LONGEST)
        if x + wide > _WIDTH - MARGIN:
            lines.append([])
            x = start
        lines[-1].append((x, x + wide))
        x += wide + _GAP
    return lines


def _draw_word(
    canvas: Canvas, place: tuple[int, int], y: int, word: str, probability: float
) -> None:
    left, right = place
    middle = (left + right) // 2
    canvas.text(middle, y, percent(probability), font(11), FAINT, anchor="ma")
    top = y + line_height(font(11))
    box = (middle - _LEAST // 2, top, middle + _LEAST // 2 - 1, top + _COLUMN - 1)
    canvas.draw.rectangle(box, TRACK)
    filled = round(min(max(0.0, probability), 1.0) * _COLUMN)
    if filled:
        canvas.draw.rectangle((box[0], box[3] - filled + 1, box[2], box[3]), SERIES[0])
    text = shorten(printable(word), font(14), _LONGEST)
    colour = FAINT if word == END else INK
    canvas.text(middle, top + _COLUMN + 3, text, font(14), colour, anchor="ma")
