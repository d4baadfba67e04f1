"""An image with the objects that were found in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from caffe_lite.lrcn.pictures.canvas import SERIES, Canvas, Picture, percent, thumbnail
from caffe_lite.lrcn.pictures.text import font, line_height, printable, width
from caffe_lite.recognition.box_detector import Detection

_SMALLEST = 320  # pixels: smaller images are enlarged, so that texts fit


def draw_boxes(image: np.ndarray, found: Sequence[Detection], names: Mapping[int, str]) -> Picture:
    """An image (H, W, 1 or 3) uint8, B G R, with boxes, the names of their classes and scores."""
    height, width_ = image.shape[:2]
    side = max(_SMALLEST, width_, height)
    picture = thumbnail(image, side, side)
    factor = picture.width / width_
    canvas = Canvas(picture.width, picture.height)
    canvas.picture.paste(picture, (0, 0))
    of = font(13, True)
    for each in reversed(found):  # the best on top
        colour = SERIES[each.label % len(SERIES)]
        left, top, right, bottom = (round(edge * factor) for edge in each.box)
        canvas.draw.rectangle(
            (left, top, max(right - 1, left), max(bottom - 1, top)), None, colour, 2
        )
        text = printable(f"{names.get(each.label, str(each.label))} {percent(each.score)}")
        wide, high = width(text, of) + 6, line_height(of)
        y = top - high if top >= high else top
        x = max(0, min(left, picture.width - wide))
        canvas.draw.rectangle((x, y, x + wide, y + high), colour)
        canvas.text(x + 3, y, text, of, "#ffffff")
    return canvas.picture
