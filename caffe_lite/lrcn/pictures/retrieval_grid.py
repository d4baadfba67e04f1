"""A retrieval grid: queries, and beside each the images that match it best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caffe_lite.lrcn.pictures.canvas import FAINT, INK, MARGIN, RIGHT, Canvas, Picture
from caffe_lite.lrcn.pictures.text import font, line_height, printable, wrap

_CELL, _GAP, _COLUMNS = (160, 120), 12, 6
_FRAME = 4


@dataclass(frozen=True)
class Match:
    """An image (H, W, 1 or 3) uint8, B G R, or None, that was found for a query.

    `rank` counts from 1; `is_right` says that the query belongs to it, which is drawn as a green
    frame.
    """

    name: str
    image: np.ndarray | None
    rank: int
    score: float
    is_right: bool = False


def draw_retrieval_grid(
    title: str, subtitle: str, queries: Sequence[tuple[str, Sequence[Match]]]
) -> Picture:
    """A block per query: the text, and its matches in the order given, at most 6 in a row."""
    columns = min(_COLUMNS, max([3, *(len(matches) for _, matches in queries)]))
    wide = 2 * MARGIN + columns * _CELL[0] + (columns - 1) * _GAP
    texts = [wrap(printable(query), font(14, True), wide - 2 * MARGIN, 6) for query, _ in queries]
    rows = [-(-len(matches) // columns) for _, matches in queries]
    about = wrap(printable(subtitle), font(12), wide - 2 * MARGIN) if subtitle else []
    top = 46 + len(about) * line_height(font(12)) + 12 * bool(about)
    high = top + sum(
        len(lines) * line_height(font(14, True)) + 6 + count * _row() + 14
        for lines, count in zip(texts, rows, strict=True)
    )
    canvas = Canvas(wide, high)
    canvas.text(MARGIN, 14, title, font(18, True), INK, wide - 2 * MARGIN)
    canvas.lines(MARGIN, 44, about, font(12), FAINT)
    y = top
    for lines, count, (_, matches) in zip(texts, rows, queries, strict=True):
        y = canvas.lines(MARGIN, y, lines, font(14, True)) + 6
        for number, match in enumerate(matches):
            row, column = divmod(number, columns)
            _draw(canvas, MARGIN + column * (_CELL[0] + _GAP), y + row * _row(), match)
        y += count * _row() + 14
    return canvas.picture


def _row() -> int:
    return _CELL[1] + 4 + 2 * line_height(font(11)) + 6


def _draw(canvas: Canvas, x: int, y: int, match: Match) -> None:
    wide, high = _CELL
    box = (x, y, x + wide, y + high)
    canvas.image(match.image, box)
    if match.is_right:
        edge = (x - _FRAME, y - _FRAME, x + wide + _FRAME - 1, y + high + _FRAME - 1)
        canvas.draw.rectangle(edge, None, RIGHT, _FRAME)
    colour = RIGHT if match.is_right else INK
    y += high + 4
    used = canvas.text(x, y, f"{match.rank}.", font(11, True), colour)
    canvas.text(x + wide, y, f"{match.score:.2f}", font(11), FAINT, anchor="ra")
    if match.is_right:
        canvas.text(x + used + 6, y, "correct", font(11, True), RIGHT)
    canvas.text(x, y + line_height(font(11)), match.name, font(11), FAINT, wide)
