"""What all pictures are made of: colours, a canvas with text and bars, thumbnails, stacks."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from caffe_lite.lrcn.pictures.text import Font, font, line_height, printable, shorten, width

PAPER, INK, FAINT, TRACK = "#ffffff", "#1f2328", "#656d76", "#e7eaee"
EDGE = "#d0d7de"
RIGHT, WRONG = "#1a7f37", "#cf222e"
# Okabe and Ito's colours, which colour-blind people tell apart too, yellow made darker.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b59f00", "#56b4e9", "#e69f00", "#555555")
MARGIN = 16
Picture = Image.Image
Box = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom lie outside


class Canvas:
    """A white picture of `wide` x `high` pixels. Texts are made printable and fit into `room`."""

    def __init__(self, wide: int, high: int) -> None:
        self.picture = Image.new("RGB", (wide, high), PAPER)
        self.draw = ImageDraw.Draw(self.picture)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        of: Font,
        colour: str = INK,
        room: int | None = None,
        anchor: str = "la",
    ) -> int:
        """Write one line and return its width; `anchor` is Pillow's, "la" for left and top."""
        text = printable(text)
        if room is not None:
            text = shorten(text, of, room)
        self.draw.text((x, y), text, colour, of, anchor=anchor)
        return width(text, of)

    def lines(self, x: int, y: int, lines: Sequence[str], of: Font, colour: str = INK) -> int:
        """Write lines below each other; return the y below the last."""
        for line in lines:
            self.draw.text((x, y), line, colour, of)
            y += line_height(of)
        return y

    def bar(self, box: Box, share: float, colour: str) -> None:
        """A horizontal bar that fills `share`, 0 to 1, of a grey track from the left; NaN is 0."""
        left, top, right, bottom = box
        self.draw.rectangle((left, top, right - 1, bottom - 1), TRACK)
        filled = round(min(max(0.0, share), 1.0) * (right - left))
        if filled:
            self.draw.rectangle((left, top, left + filled - 1, bottom - 1), colour)

    def paste(self, picture: Picture, box: Box) -> None:
        """Put a picture into the middle of a box."""
        left, top, right, bottom = box
        x = left + (right - left - picture.width) // 2
        y = top + (bottom - top - picture.height) // 2
        self.picture.paste(picture, (x, y))

    def image(self, image: np.ndarray | None, box: Box) -> None:
        """A thumbnail in a framed box with a grey ground, or the words "no image" for None."""
        left, top, right, bottom = box
        self.draw.rectangle((left, top, right - 1, bottom - 1), TRACK)
        if image is not None:
            self.paste(thumbnail(image, right - left, bottom - top), box)
            self.draw.rectangle((left, top, right - 1, bottom - 1), None, EDGE)
            return
        place = ((left + right) // 2, (top + bottom) // 2)
        self.text(*place, "no image", font(12), FAINT, right - left - 8, "mm")


def thumbnail(image: np.ndarray, wide: int, high: int) -> Picture:
    """An image (H, W, 1 or 3) uint8, B G R, as large as fits into `wide` x `high` pixels.

    Small images are enlarged by a whole factor without smoothing, so that their pixels show.
    """
    colours = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image[..., ::-1]
    picture = Image.fromarray(np.ascontiguousarray(colours))
    factor = min(wide / picture.width, high / picture.height)
    if factor >= 2:
        factor = int(factor)
    size = (max(1, int(picture.width * factor)), max(1, int(picture.height * factor)))
    how = Image.Resampling.NEAREST if factor >= 2 else Image.Resampling.LANCZOS
    return picture.resize(size, how)


def reduce(image: np.ndarray, side: int) -> np.ndarray:
    """An image (H, W, 3) uint8, B G R, made smaller where it is larger than `side` pixels."""
    if max(image.shape[:2]) <= side:
        return image
    return np.ascontiguousarray(np.asarray(thumbnail(image, side, side))[..., ::-1])


def stack(pictures: Sequence[Picture]) -> Picture:
    """Pictures below each other, on white."""
    if len(pictures) == 1:
        return pictures[0]
    canvas = Canvas(max(p.width for p in pictures), sum(p.height for p in pictures))
    top = 0
    for picture in pictures:
        canvas.picture.paste(picture, (0, top))
        top += picture.height
    return canvas.picture


def percent(share: float) -> str:
    """A probability for people: "97%", "<1%" for a small one that is not 0, "NaN"."""
    if share != share:
        return "NaN"
    rounded = round(100 * share)
    return "<1%" if rounded == 0 and share > 0 else f"{rounded}%"
