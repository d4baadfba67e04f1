"""A sheet of images that were taken for something else."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.data.images import read_image
from caffe_lite.fit.evaluation import Answer
from caffe_lite.lrcn.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    RIGHT,
    WRONG,
    Canvas,
    Picture,
    percent,
    reduce,
)
from caffe_lite.lrcn.pictures.text import font

_CELL, _TEXT, _COLUMNS, _GAP = 170, 58, 6, 14


def draw_mistakes(title: str, wrong: Sequence[Answer], names: Sequence[str]) -> Picture:
    """At most 6 images in a row; below each its name, its class, and the answer."""
    rows = max(1, -(-len(wrong) // _COLUMNS))
    wide = 2 * MARGIN + _COLUMNS * _CELL + (_COLUMNS - 1) * _GAP
    canvas = Canvas(wide, 52 + rows * (_CELL + _TEXT + _GAP))
    canvas.text(MARGIN, 14, title, font(18, True), INK, wide - 2 * MARGIN)
    for i, each in enumerate(wrong):
        x = MARGIN + i % _COLUMNS * (_CELL + _GAP)
        y = 52 + i // _COLUMNS * (_CELL + _TEXT + _GAP)
        canvas.image(reduce(read_image(each.path), 2 * _CELL), (x, y, x + _CELL, y + _CELL))
        y += _CELL + 4
        canvas.text(x, y, each.path.rpartition("/")[2], font(11), FAINT, _CELL)
        canvas.text(x, y + 16, names[each.label], font(13, True), RIGHT, _CELL)
        answer = f"{percent(each.confidence)} {names[each.answer]}"
        canvas.text(x, y + 34, answer, font(13), WRONG, _CELL)
    return canvas.picture
