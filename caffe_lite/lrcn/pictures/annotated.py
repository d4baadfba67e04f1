"""Frames of a video with bars of the probabilities of its classes below."""

from collections.abc import Iterator, Sequence

import numpy as np

from caffe_lite.lrcn.pictures.canvas import FAINT, INK, Box, Canvas, percent, thumbnail
from caffe_lite.lrcn.pictures.text import font, printable, width
from caffe_lite.lrcn.pictures.timeline import TOP, series_colour

_NARROWEST, _WIDEST, _ROW = 480, 1280, 24


def annotate(
    frames: Sequence[np.ndarray],
    per_frame: np.ndarray,
    result: np.ndarray,
    names: Sequence[str],
    top: int = TOP,
) -> Iterator[np.ndarray]:
    """Yield each of n frames with the bars of the `top` likeliest classes of the video.

    `per_frame` (n, K) and `result` (K,) are as for `draw_timeline`; bars stay in their places, in
    the order of `result`. Images are (H, W, 3) uint8, B G R, of one size, whose sides are even,
    as encoders of video want them.
    """
    best = list((-result).argsort(kind="stable")[:top])
    high, wide = frames[0].shape[:2]
    room = min(max(wide, _NARROWEST), _WIDEST) // 2 * 2
    shown = thumbnail(_three(frames[0]), room, max(high, 360)).height
    panel = 12 + len(best) * _ROW + 26
    size = (room, (shown + panel + 1) // 2 * 2)
    widest = max(width(printable(names[label]), font(13, True)) for label in best)
    left = min(max(widest + 20, 150), room // 2)
    for number, (frame, probs) in enumerate(zip(frames, per_frame, strict=True)):
        canvas = Canvas(*size)
        canvas.paste(thumbnail(_three(frame), room, max(high, 360)), (0, 0, room, shown))
        y = shown + 6
        leading = int(probs[best].argmax())
        for rank, label in enumerate(best):
            bar = (left, y + 4, room - 60, y + _ROW - 4)
            _draw_class(canvas, bar, names[label], float(probs[label]), rank, rank == leading)
            y += _ROW
        _draw_time(canvas, (left, y + 11, room - 60, y + 15), number, len(per_frame))
        yield np.ascontiguousarray(np.asarray(canvas.picture)[..., ::-1])


def _three(frame: np.ndarray) -> np.ndarray:
    return frame.repeat(3, axis=2) if frame.shape[2] == 1 else frame


def _draw_class(
    canvas: Canvas, bar: Box, name: str, probability: float, rank: int, leads: bool
) -> None:
    """The name at the left of the bar, the probability at its right."""
    left, top, right, bottom = bar
    middle, of = (top + bottom) // 2, font(13, leads)
    canvas.text(left - 8, middle, name, of, INK, left - 16, "rm")
    canvas.bar(bar, probability, series_colour(rank))
    canvas.text(right + 48, middle, percent(probability), of, INK, anchor="rm")


def _draw_time(canvas: Canvas, bar: Box, number: int, count: int) -> None:
    """A bar for the part of the video up to this frame."""
    text = f"frame {number + 1} of {count}"
    canvas.text(bar[0] - 8, (bar[1] + bar[3]) // 2, text, font(11), FAINT, anchor="rm")
    canvas.bar(bar, (number + 1) / count, FAINT)
