"""A timeline: the frames of a video, the probabilities of its classes under them, the result."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from caffe_lite.lrcn.pictures.canvas import (
    FAINT,
    INK,
    MARGIN,
    PAPER,
    SERIES,
    TRACK,
    Box,
    Canvas,
    Picture,
    percent,
)
from caffe_lite.lrcn.pictures.text import font, line_height

WIDTH, TOP = 1200, 5
_LEFT, _CURVES, _CELL, _BAR_ROW = 72, 190, 92, 26
_SMOOTH = 3  # curves are drawn this many times as large and made smaller, so that they are smooth
_MARKED = 60  # frames: up to here each one has a dot


@dataclass(frozen=True)
class Strip:
    """Frames of a video, (H, W, C) uint8, B G R, indexable as a sequence, with a short title."""

    title: str
    frames: Sequence[np.ndarray]


def draw_timeline(
    title: str,
    strips: Sequence[Strip],
    per_frame: np.ndarray,
    result: np.ndarray,
    names: Sequence[str],
    top: int = TOP,
) -> Picture:
    """The `top` likeliest classes over a video of n frames, 1,200 pixels wide.

    `per_frame` (n, K) are the probabilities at each frame, `result` (K,) those of the video,
    `names` the K classes. Each strip shows frames 1 to n, or as many of them as fit; one with fewer
    frames is shown below the last ones, since flow begins at the second frame.
    """
    count = len(per_frame)
    best = list((-result).argsort(kind="stable")[:top])
    size = _cell_size(strips, count)
    strip_row = size[1] + line_height(font(11)) + 6
    high = 56 + len(strips) * strip_row + 12 + _CURVES + 40 + len(best) * _BAR_ROW + MARGIN
    canvas = Canvas(WIDTH, high)
    _draw_heading(canvas, title, names[best[0]], percent(result[best[0]]))
    y = 52
    for strip in strips:
        _draw_strip(canvas, y, size, strip, count)
        y += strip_row
    y += 12
    _draw_curves(canvas, (_LEFT, y, WIDTH - MARGIN, y + _CURVES), per_frame[:, best])
    y += _CURVES + 40
    for rank, label in enumerate(best):
        _draw_result(canvas, y + rank * _BAR_ROW, names[label], float(result[label]), rank)
    return canvas.picture


def _draw_heading(canvas: Canvas, title: str, name: str, probability: str) -> None:
    """The video's name at the left, its class and the probability of that at the right."""
    right = WIDTH - MARGIN
    right -= canvas.text(right, 14, probability, font(18, True), SERIES[0], anchor="ra") + 10
    right -= canvas.text(right, 14, name, font(18, True), SERIES[0], 480, "ra") + MARGIN
    canvas.text(MARGIN, 14, title, font(18, True), INK, right - MARGIN)


def series_colour(rank: int) -> str:
    """The colour of the class of this rank, 0 for the likeliest."""
    return SERIES[rank % len(SERIES)]


def _cell_size(strips: Sequence[Strip], count: int) -> tuple[int, int]:
    """Width and height of a frame in the strips: of the first frame's shape, at most 240 each."""
    high, wide = strips[0].frames[0].shape[:2]
    column = (WIDTH - MARGIN - _LEFT) / count
    cell = int(min(max(column - 4, _CELL), 240))
    if cell >= 2 * wide:
        cell -= cell % wide  # thumbnails are enlarged by whole factors
    return cell, min(max(int(cell * high / wide), 24), 240)


def _draw_strip(canvas: Canvas, y: int, size: tuple[int, int], strip: Strip, count: int) -> None:
    """Frames in the middle of the time that each represents, with their numbers."""
    wide, high = size
    whole = WIDTH - MARGIN - _LEFT
    canvas.text(_LEFT - 10, y + high // 2, strip.title, font(12), FAINT, _LEFT - 16, "rm")
    shown = min(count, whole // (wide + 4))
    missing = count - len(strip.frames)
    for slot in range(shown):
        number = (2 * slot + 1) * count // (2 * shown)
        centre = _LEFT + int((slot + 0.5) * whole / shown)
        if number >= missing:
            box = (centre - wide // 2, y, centre - wide // 2 + wide, y + high)
            canvas.image(strip.frames[number - missing], box)
            canvas.text(centre, y + high + 3, str(number + 1), font(11), FAINT, anchor="ma")


def _draw_curves(canvas: Canvas, box: Box, probs: np.ndarray) -> None:
    """Probabilities (n, classes) over time, from 0 at the bottom of the box to 1 at its top."""
    left, top, right, bottom = box
    for tick in range(5):
        y = round(bottom - tick / 4 * (bottom - top))
        canvas.text(left - 10, y, f"{25 * tick}%", font(11), FAINT, anchor="rm")
    wide, high = (right - left) * _SMOOTH, (bottom - top + 12) * _SMOOTH
    large = Image.new("RGB", (wide, high), PAPER)
    draw = ImageDraw.Draw(large)
    floor, height = (bottom - top + 6) * _SMOOTH, (bottom - top) * _SMOOTH
    for tick in range(5):
        level = floor - tick / 4 * height
        draw.line((0, level, wide, level), TRACK, _SMOOTH)
    probs = np.nan_to_num(probs)
    x = (np.arange(len(probs)) + 0.5) * wide / len(probs)
    for rank in reversed(range(probs.shape[1])):
        points = [(a, floor - p * height) for a, p in zip(x, probs[:, rank], strict=True)]
        colour = series_colour(rank)
        draw.line(points, colour, (3 if rank == 0 else 2) * _SMOOTH, "curve")
        if len(points) <= _MARKED:
            size = (4 if rank == 0 else 3) * _SMOOTH
            for a, b in points:
                draw.ellipse((a - size, b - size, a + size, b + size), colour)
    small = large.resize((right - left, bottom - top + 12), Image.Resampling.LANCZOS)
    canvas.picture.paste(small, (left, top - 6))
    frames = "frame 1" if len(probs) == 1 else f"frames 1 to {len(probs)}"
    canvas.text((left + right) / 2, bottom + 10, frames, font(11), FAINT, anchor="ma")


def _draw_result(canvas: Canvas, y: int, name: str, probability: float, rank: int) -> None:
    """The class in words and its probability as a bar, in the colour of its curve."""
    middle, colour = y + _BAR_ROW // 2, series_colour(rank)
    canvas.text(300, middle, name, font(14, rank == 0), INK, 300 - MARGIN, "rm")
    canvas.bar((312, y + 5, WIDTH - 90, y + _BAR_ROW - 5), probability, colour)
    canvas.text(WIDTH - MARGIN, middle, percent(probability), font(14), INK, anchor="rm")
