"""A contact sheet: images, with their captions below."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from caffe_lite.lrcn.pictures.canvas import FAINT, INK, MARGIN, Canvas, Picture
from caffe_lite.lrcn.pictures.text import font, line_height, printable, wrap

MOST = 200  # images on a sheet
_WIDE, _ALONE, _GAP, _COLUMNS = 220, 480, 16, 6
_MOST_LINES = 30


@dataclass(frozen=True)
class CaptionedImage:
    """An image (H, W, 1 or 3) uint8, B G R, or None; its name; captions, the best first.

    Each caption has its log-probability.
    """

    name: str
    image: np.ndarray | None
    captions: Sequence[tuple[str, float]]


def draw_contact_sheet(title: str, items: Sequence[CaptionedImage]) -> Picture:
    """At most 6 cells of 220 pixels in a row, or one of 480; rows are as high as they need to be.

    Captions are wrapped; one of more than 30 lines is cut.
    """
    columns = min(_COLUMNS, ceil(sqrt(1.5 * len(items)))) if len(items) > 1 else 1
    cell = _WIDE if columns > 1 else _ALONE
    rows = [items[first : first + columns] for first in range(0, len(items), columns)]
    heights = [max(_height(item, cell) for item in row) for row in rows]
    wide = max(2 * MARGIN + columns * cell + (columns - 1) * _GAP, 480)
    canvas = Canvas(wide, 52 + sum(heights) + len(rows) * _GAP)
    canvas.text(MARGIN, 14, title, font(18, True), INK, wide - 2 * MARGIN)
    y = 52
    for row, height in zip(rows, heights, strict=True):
        for column, item in enumerate(row):
            _draw(canvas, MARGIN + column * (cell + _GAP), y, item, cell)
        y += height + _GAP
    return canvas.picture


def _paragraphs(item: CaptionedImage, cell: int) -> list[tuple[list[str], str]]:
    """Each caption in lines, and its log-probability."""
    return [
        (
            wrap(printable(caption) or "(no words)", font(14, number == 0), cell, _MOST_LINES),
            f"log p = {log_prob:.2f}",
        )
        for number, (caption, log_prob) in enumerate(item.captions)
    ]


def _image_height(cell: int) -> int:
    return cell * 3 // 4


def _height(item: CaptionedImage, cell: int) -> int:
    small, height = line_height(font(11)), _image_height(cell) + 6 + line_height(font(11))
    for number, (lines, _) in enumerate(_paragraphs(item, cell)):
        height += len(lines) * line_height(font(14, number == 0)) + small + 4
    return height


def _draw(canvas: Canvas, x: int, y: int, item: CaptionedImage, cell: int) -> None:
    canvas.image(item.image, (x, y, x + cell, y + _image_height(cell)))
    y += _image_height(cell) + 4
    canvas.text(x, y, item.name, font(11), FAINT, cell)
    y += line_height(font(11)) + 2
    for number, (lines, log_prob) in enumerate(_paragraphs(item, cell)):
        y = canvas.lines(x, y, lines, font(14, number == 0))
        canvas.text(x, y, log_prob, font(11), FAINT)
        y += line_height(font(11)) + 4
