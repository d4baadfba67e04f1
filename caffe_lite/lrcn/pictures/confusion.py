"""A confusion matrix, with the accuracy of each class beside its row."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from caffe_lite.lrcn.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    PAPER,
    RIGHT,
    Canvas,
    Picture,
    percent,
)
from caffe_lite.lrcn.pictures.text import Font, font, printable, shorten, width

MOST = 150  # classes in a picture
_ROOM = 720  # pixels for the matrix, if cells are neither too small nor too large
_SMALLEST, _LARGEST, _LABELS = 16, 56, 220
_BAR = 160
_WITH_COUNTS = 24  # pixels: cells of at least this size hold their count


def confusion_matrix(labels: Sequence[int], answers: Sequence[int], classes: int) -> np.ndarray:
    """Counts (classes, classes): row the true class, column the answer."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (np.asarray(labels, np.int64), np.asarray(answers, np.int64)), 1)
    return counts


def draw_confusion(title: str, counts: np.ndarray, names: Sequence[str]) -> Picture:
    """The matrix `counts` (K, K), true classes downwards, answers to the right.

    A cell is the darker, the larger its share of the row; the diagonal is green. Each row ends with
    the class's accuracy as a bar, and the number of its items. Of more than 150 classes only the
    150 with the most errors are shown.
    """
    totals = counts.sum(axis=1)
    if len(counts) > MOST:
        errors = totals - counts.diagonal()
        shown = np.sort((-errors).argsort(kind="stable")[:MOST])
        title += f", the {MOST} of {len(counts):,} classes with the most errors"
        totals, names = totals[shown], [names[i] for i in shown]
        counts = counts[np.ix_(shown, shown)]
    size = len(counts)
    cell = min(max(_ROOM // size, _SMALLEST), _LARGEST)
    of = font(14 if cell > 20 else 11)
    labels = min(_LABELS, max(width(printable(name), of) for name in names)) + 8
    left, top = MARGIN + labels + 20, 64 + labels + 8
    wide = max(left + size * cell + 24 + _BAR + 130, 640)
    canvas = Canvas(wide, top + size * cell + MARGIN)
    canvas.text(MARGIN, 14, title, font(18, True), INK, wide - 2 * MARGIN)
    share = counts / np.maximum(totals, 1)[:, None]
    canvas.text(left, 44, "answer", font(12), FAINT)
    canvas.picture.paste(_turned("true class", font(12), FAINT, size * cell), (MARGIN - 4, top))
    for row, name in enumerate(names):
        middle = top + row * cell + cell // 2
        canvas.text(left - 8, middle, name, of, INK, labels, "rm")
        turned = _turned(name, of, INK, labels)
        x = left + row * cell + (cell - turned.width) // 2
        canvas.picture.paste(turned, (x, top - 6 - turned.height))
        for column in range(size):
            box = (left + column * cell, top + row * cell)
            _draw_cell(canvas, box, cell, counts[row, column], share[row, column], row == column)
        _draw_accuracy(canvas, left + size * cell + 24, middle, cell, share[row, row], totals[row])
    heading = left + size * cell + 24
    canvas.text(heading, top - 20, "accuracy of the class", font(12), FAINT)
    return canvas.picture


def _draw_cell(
    canvas: Canvas, corner: tuple[int, int], cell: int, count: int, share: float, is_right: bool
) -> None:
    x, y = corner
    ground = _blend(share, (26, 127, 55) if is_right else (207, 34, 46))
    canvas.draw.rectangle((x, y, x + cell - 2, y + cell - 2), ground)
    if count and cell >= _WITH_COUNTS:
        of = font(12 if count < 1000 else 10)
        colour = PAPER if share > 0.5 else INK
        canvas.text(x + (cell - 1) / 2, y + (cell - 1) / 2, str(count), of, colour, anchor="mm")


def _draw_accuracy(canvas: Canvas, x: int, y: int, cell: int, share: float, total: int) -> None:
    half, of = min(cell // 2 - 3, 8), font(12 if cell > 18 else 11)
    canvas.bar((x, y - half, x + _BAR, y + half), share, RIGHT)
    text = f"{percent(share)} of {total}" if total else "none"
    canvas.text(x + _BAR + 8, y, text, of, INK if total else FAINT, anchor="lm")


def _blend(share: float, colour: tuple[int, int, int]) -> tuple[int, ...]:
    """From light grey at 0 to `colour` at 1; small shares can be told from none."""
    strength = 0.15 + 0.85 * share if share > 0 else 0.0
    return tuple(round(245 + (c - 245) * strength) for c in colour)


def _turned(text: str, of: Font, colour: str, room: int) -> Picture:
    """Text that reads from below to above."""
    text = shorten(printable(text), of, room)
    ascent, descent = of.getmetrics()
    picture = Image.new("RGB", (max(width(text, of), 1), ascent + descent), PAPER)
    ImageDraw.Draw(picture).text((0, 0), text, colour, of)
    return picture.transpose(Image.Transpose.ROTATE_90)
