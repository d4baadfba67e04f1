"""Scores of captions as a picture: bars for the whole set, the best and the worst captions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from caffe_lite.lrcn.pictures.canvas import (
    EDGE,
    FAINT,
    INK,
    MARGIN,
    RIGHT,
    SERIES,
    WRONG,
    Canvas,
    Picture,
)
from caffe_lite.lrcn.pictures.text import font, line_height, printable, width, wrap

EACH = 5  # captions shown of the best, and of the worst
_WIDTH, _ROW = 900, 28
_NAME, _SCORE = 150, 70


@dataclass(frozen=True)
class Scored:
    """A caption of the image `name`, the score that it is ranked by, and its references."""

    name: str
    score: float
    caption: str
    references: Sequence[str]


def draw_score_sheet(
    title: str, scores: Mapping[str, float], ranked_by: str, captions: Sequence[Scored]
) -> Picture:
    """Bars of `scores`, by name, and tables of captions ranked by one of these, 900 pixels wide.

    Scores lie between 0 and 1, but names that begin with "CIDEr" between 0 and 10. Of up to 10
    captions all are shown, best first; of more the 5 best and the 5 worst.
    """
    ranked = sorted(captions, key=lambda each: -each.score)
    tables = [(f"by {ranked_by}, the best first", ranked, INK)]
    if len(ranked) > 2 * EACH:
        tables = [
            (f"the {EACH} best by {ranked_by}", ranked[:EACH], RIGHT),
            (f"the {EACH} worst by {ranked_by}", ranked[-EACH:], WRONG),
        ]
    high = 52 + len(scores) * _ROW + sum(_table_height(rows) for _, rows, _ in tables) + MARGIN
    canvas = Canvas(_WIDTH, high)
    canvas.text(MARGIN, 14, title, font(18, True), INK, _WIDTH - 2 * MARGIN)
    y = 52
    room = min(max(width(printable(name), font(14)) for name in scores), 300)
    for name, score in scores.items():
        _draw_score(canvas, y, name, score, room)
        y += _ROW
    for heading, rows, colour in tables:
        y = _draw_table(canvas, y, heading, rows, colour)
    return canvas.picture


def _draw_score(canvas: Canvas, y: int, name: str, score: float, room: int) -> None:
    """A bar with the name, of at most `room` pixels, at its left and the score at its right."""
    highest = 10 if name.startswith("CIDEr") else 1
    middle = y + _ROW // 2
    canvas.text(MARGIN + room, middle, name, font(14), INK, room, "rm")
    left, right = MARGIN + room + 12, _WIDTH - 130
    canvas.bar((left, y + 6, right, y + _ROW - 6), score / highest, SERIES[0])
    canvas.text(right + 70, middle, f"{score:.4f}", font(14), INK, anchor="rm")
    canvas.text(right + 76, middle, f"of {highest}", font(11), FAINT, anchor="lm")


def _cells(row: Scored) -> tuple[list[str], list[str]]:
    """The caption and the references in lines."""
    room = _WIDTH - 2 * MARGIN - _NAME - _SCORE - 24
    caption = wrap(printable(row.caption) or "(no words)", font(14), room, 6)
    references = [
        line for text in row.references[:5] for line in wrap(printable(text), font(12), room, 3)
    ]
    return caption, references


def _row_height(row: Scored) -> int:
    caption, references = _cells(row)
    text = len(caption) * line_height(font(14)) + len(references) * line_height(font(12))
    return text + 14


def _table_height(rows: Sequence[Scored]) -> int:
    return 44 + sum(map(_row_height, rows))


def _draw_table(canvas: Canvas, y: int, heading: str, rows: Sequence[Scored], colour: str) -> int:
    """The rows below a heading; returns the y below them."""
    canvas.text(MARGIN, y + 16, heading, font(14, True), colour)
    y += 44
    for row in rows:
        canvas.draw.line((MARGIN, y - 5, _WIDTH - MARGIN, y - 5), EDGE)
        caption, references = _cells(row)
        canvas.text(MARGIN, y, row.name, font(12), FAINT, _NAME)
        canvas.text(MARGIN + _NAME + _SCORE, y, f"{row.score:.3f}", font(14, True), anchor="ra")
        left = MARGIN + _NAME + _SCORE + 24
        below = canvas.lines(left, y, caption, font(14))
        canvas.lines(left, below, references, font(12), FAINT)
        y += _row_height(row)
    return y
