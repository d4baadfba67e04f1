"""A scene as a PNG image, drawn with Pillow."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

from caffe_lite.draw.scene import INK, LINE, MARGIN, Curve, Point, Scene, Text
from caffe_lite.errors import CaffeError

_MOST_PIXELS = 120_000_000
_STEPS = 12  # straight pieces of a bend
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def to_png(scene: Scene, scale: float = 2.0) -> bytes:
    """The scene as a PNG file, `scale` pixels for each of its own.

    A larger scene than 120 million pixels is drawn smaller; beyond that, CaffeError.
    """
    from PIL import Image, ImageDraw

    while scale > 0.5 and scene.width * scene.height * scale**2 > _MOST_PIXELS:
        scale /= 2
    width, height = round(scene.width * scale), round(scene.height * scale)
    if width * height > _MOST_PIXELS:
        raise CaffeError(f"the drawing would have {width} x {height} pixels; write an SVG instead")
    picture = Image.new("RGB", (width, height), "#ffffff")
    draw = ImageDraw.Draw(picture)
    for curve in scene.curves:
        _draw_curve(draw, curve, scale)
    for rect in scene.rects:
        box = (rect.x, rect.y, rect.x + rect.width, rect.y + rect.height)
        draw.rounded_rectangle(
            [each * scale for each in box], 5 * scale, rect.fill, rect.edge, max(1, round(scale))
        )
    if scene.title:
        _draw_text(draw, Text(MARGIN, 28, scene.title, 16, True, INK, "start"), scale)
    for text in scene.texts:
        _draw_text(draw, text, scale)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@cache
def _font(size: int, bold: bool) -> tuple[Any, bool]:
    """A font, and whether it has the sign ×: DejaVu if matplotlib is there, else Pillow's own."""
    from PIL import ImageFont

    try:
        import matplotlib
    except ImportError:
        return ImageFont.load_default(size), False
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size), True


def _draw_text(draw: Any, text: Text, scale: float) -> None:
    font, whole = _font(max(1, round(text.size * scale * 0.92)), text.bold)
    shown = text.text if whole else text.text.replace("×", "x")
    draw.text(
        (text.x * scale, text.y * scale),
        shown,
        text.colour,
        font,
        anchor=_ANCHORS[text.anchor],
        stroke_width=round(2 * scale) if text.halo else 0,
        stroke_fill="#ffffff",
    )


def _draw_curve(draw: Any, curve: Curve, scale: float) -> None:
    points: list[Point] = [curve.points[0]]
    for i in range(1, len(curve.points), 3):
        a, (b, c, d) = curve.points[i - 1], curve.points[i : i + 3]
        for step in range(1, _STEPS + 1):
            t = step / _STEPS
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
            points.append(
                (
                    sum(w * p[0] for w, p in zip(weights, (a, b, c, d), strict=True)),
                    sum(w * p[1] for w, p in zip(weights, (a, b, c, d), strict=True)),
                )
            )
    scaled = [(x * scale, y * scale) for x, y in points]
    draw.line(scaled, LINE, max(1, round(1.3 * scale)), "curve")
    _draw_head(draw, scaled, 7 * scale)


def _draw_head(draw: Any, points: list[Point], size: float) -> None:
    (x, y), before = points[-1], next((p for p in reversed(points) if p != points[-1]), points[0])
    length = max(((x - before[0]) ** 2 + (y - before[1]) ** 2) ** 0.5, 1e-9)
    dx, dy = (x - before[0]) / length * size, (y - before[1]) / length * size
    draw.polygon(
        [(x, y), (x - dx + dy / 2, y - dy - dx / 2), (x - dx - dy / 2, y - dy + dx / 2)], LINE
    )
