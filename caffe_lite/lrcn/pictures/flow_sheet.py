"""Optical flow as colour: the hue is the direction, the saturation the speed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caffe_lite.data.flow_images import CENTRE, SCALE
from caffe_lite.lrcn.pictures.canvas import FAINT, INK, MARGIN, Canvas, Picture, thumbnail
from caffe_lite.lrcn.pictures.text import font, line_height

_CELL, _GAP, _COLUMNS, _WHEEL = 160, 8, 6, 96


@dataclass(frozen=True)
class Motion:
    """A frame (H, W, 1 or 3) uint8, B G R, or None; the flow to it (H, W, 2), x and y in pixels."""

    number: int
    frame: np.ndarray | None
    flow: np.ndarray


def decode_flow(image: np.ndarray, scale: float = SCALE) -> np.ndarray:
    """Flow (H, W, 2), x and y in pixels, from an image of `encode_flow` (H, W, 3) uint8, B G R."""
    return (image[..., 2:0:-1].astype(np.float32) - np.float32(CENTRE)) / np.float32(scale)


def colour_flow(flow: np.ndarray, fastest: float) -> np.ndarray:
    """Flow (..., 2) as colours (..., 3) uint8, B G R.

    No motion is white. Motion to the right is red, downwards yellow-green, to the left cyan and
    upwards violet; at `fastest` pixels and more the colour is full.
    """
    x, y = flow[..., 0], flow[..., 1]
    hue = np.arctan2(y, x) / (2 * np.pi) * 6
    strength = np.minimum(np.hypot(x, y) / max(fastest, 1e-6), 1)
    blue_green_red = []
    for offset in (4, 2, 0):  # a channel is full within a sixth of the circle of its hue
        distance = np.abs((hue - offset + 3) % 6 - 3)
        blue_green_red.append(1 - strength * np.clip(distance - 1, 0, 1))
    return np.rint(255 * np.stack(blue_green_red, axis=-1)).astype(np.uint8)


def colour_wheel(size: int) -> np.ndarray:
    """All directions and speeds as a disc on white, (size, size, 3) uint8, B G R."""
    axis = (np.arange(size) - (size - 1) / 2) / (size / 2)
    x, y = np.meshgrid(axis, axis)
    colours = colour_flow(np.stack([x, y], axis=-1), 1.0)
    colours[np.hypot(x, y) > 1] = 255
    return colours


def fastest_motion(flows: Sequence[np.ndarray]) -> float:
    """The speed that gets the full colour: 99 % of the moving pixels are slower; at least 1."""
    speeds = np.concatenate([np.hypot(flow[..., 0], flow[..., 1]).ravel() for flow in flows])
    moving = speeds[speeds > 0.1]
    return max(1.0, float(np.quantile(moving, 0.99))) if len(moving) else 1.0


def draw_flow_sheet(title: str, videos: Sequence[tuple[str, Sequence[Motion]]]) -> Picture:
    """A row per video: frames, and below each the flow to it; the wheel says what colours mean."""
    fastest = fastest_motion([motion.flow for _, its in videos for motion in its])
    columns = min(_COLUMNS, max(len(its) for _, its in videos))
    wide = max(2 * MARGIN + columns * _CELL + (columns - 1) * _GAP, 560)
    heights = [_cell_height(its[0].flow) for _, its in videos]
    block = line_height(font(14, True)) + 6 + _GAP // 2 + line_height(font(11)) + 6 + MARGIN
    top = _WHEEL + 2 * MARGIN
    canvas = Canvas(wide, top + sum(2 * high + block for high in heights))
    canvas.text(MARGIN, 14, title, font(18, True), INK, wide - _WHEEL - 4 * MARGIN)
    canvas.text(MARGIN, 44, "colour: direction of motion, as in the disc", font(12), FAINT)
    canvas.text(MARGIN, 62, "white: no motion", font(12), FAINT)
    canvas.text(MARGIN, 80, f"full colour: {fastest:.1f} pixels or more a frame", font(12), FAINT)
    wheel = colour_wheel(_WHEEL)
    canvas.paste(
        thumbnail(wheel, _WHEEL, _WHEEL),
        (wide - MARGIN - _WHEEL, MARGIN, wide - MARGIN, MARGIN + _WHEEL),
    )
    y = top
    for (name, motions), high in zip(videos, heights, strict=True):
        canvas.text(MARGIN, y, name, font(14, True), INK, wide - 2 * MARGIN)
        y += line_height(font(14, True)) + 6
        for column, motion in enumerate(motions[:columns]):
            _draw(canvas, MARGIN + column * (_CELL + _GAP), y, high, motion, fastest)
        y += 2 * high + _GAP // 2 + line_height(font(11)) + 6 + MARGIN
    return canvas.picture


def _cell_height(flow: np.ndarray) -> int:
    return min(max(_CELL * flow.shape[0] // flow.shape[1], 24), 2 * _CELL)


def _draw(canvas: Canvas, x: int, y: int, high: int, motion: Motion, fastest: float) -> None:
    canvas.image(motion.frame, (x, y, x + _CELL, y + high))
    y += high + _GAP // 2
    canvas.image(colour_flow(motion.flow, fastest), (x, y, x + _CELL, y + high))
    text = f"frame {motion.number}"
    canvas.text(x + _CELL // 2, y + high + 3, text, font(11), FAINT, _CELL, "ma")
