"""Digits of several sizes on a cluttered canvas, with their boxes: what a detector learns from."""

from dataclasses import dataclass

import numpy as np

from caffe_lite.datasets.digits import load_digits
from caffe_lite.datasets.render import sample
from caffe_lite.types import Array, Generator

SIZE = 128  # pixels of a side of the canvas
CLASSES = 11  # the background, and digit d as label d + 1
MOST = 4  # digits on a canvas
_SCALES = (2.4, 6.5)  # pixels for one of a scan's 8
_PATCH = 76  # pixels of a side that holds any digit
_INK = 5.0  # of 16: what the box of a digit encloses
_GAP = 2  # pixels between two boxes, at least
_TRIALS = 20  # places that are tried for one digit


@dataclass(frozen=True)
class Scene:
    """A canvas (SIZE, SIZE) uint8, and of its K digits the labels (K,) and boxes (K, 4).

    Boxes (xmin, ymin, xmax, ymax) are in pixels and enclose the ink: xmax is the first column
    behind it.
    """

    image: Array
    labels: Array
    boxes: Array


def make_scenes(count: int, split: str = "train", seed: int = 1) -> list[Scene]:
    """Draw `count` scenes of 1 to MOST digits from the scans of a split, "train" or "test"."""
    scans, digits = load_digits(split)
    rng = np.random.default_rng([seed, split == "test"])
    return [_draw(scans, digits, rng) for _ in range(count)]


def _draw(scans: Array, digits: Array, rng: Generator) -> Scene:
    canvas: Array = _background(scans, rng)
    labels: list[int] = []
    boxes: list[Array] = []
    for _ in range(rng.integers(1, MOST + 1)):
        chosen = int(rng.integers(len(scans)))
        ink = _turned(scans[chosen], rng.uniform(*_SCALES), rng.uniform(-12, 12), rng)
        rows, columns = (np.flatnonzero((ink >= _INK).any(axis=axis)) for axis in (1, 0))
        size = np.array([columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1])
        box = _place(size, boxes, rng)
        if box is None:
            continue
        _paint(canvas, ink, box[:2] - [columns[0], rows[0]], rng.uniform(185, 255))
        labels.append(int(digits[chosen]) + 1)
        boxes.append(box)
    canvas += 6 * rng.standard_normal(canvas.shape, np.float32)
    image = np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
    return Scene(image, np.array(labels), np.array(boxes).reshape(-1, 4))


def _turned(scan: Array, scale: float, degrees: float, rng: Generator) -> Array:
    """The ink (_PATCH, _PATCH), 0 to 16, of a scan enlarged, stretched and turned."""
    turn = np.deg2rad(degrees)
    stretch = rng.uniform(0.9, 1.1)
    x = np.arange(_PATCH, dtype=np.float32) - (_PATCH - 1) / 2
    dx, dy = x[None], x[:, None]
    column = (np.cos(turn) * dx + np.sin(turn) * dy) / (scale * stretch) + 3.5
    row = (np.cos(turn) * dy - np.sin(turn) * dx) * stretch / scale + 3.5
    return sample(scan[None], row[None, None], column[None, None])[0, 0]


def _place(size: Array, boxes: list[Array], rng: Generator) -> Array | None:
    """A box (4,) of this width and height on the canvas that is clear of the others, if found."""
    for _ in range(_TRIALS):
        corner = rng.integers(1, SIZE - size)
        box = np.concatenate([corner, corner + size])
        if all((box[:2] >= b[2:] + _GAP).any() or (b[:2] >= box[2:] + _GAP).any() for b in boxes):
            return box
    return None


def _paint(canvas: Array, ink: Array, corner: Array, level: float) -> None:
    """Cover the canvas with ink of a grey level; `corner` (x, y) is that of the ink's array."""
    left, top = corner
    rows, columns = (slice(max(start, 0), min(start + _PATCH, SIZE)) for start in (top, left))
    part = ink[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    cover = np.minimum(part / 12, 1)
    under = canvas[rows, columns]
    under += cover * (level - under)


def _background(scans: Array, rng: Generator) -> Array:
    """Clutter: uneven light, strokes, and fragments of digits that count as background."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    slope = rng.uniform(-0.4, 0.4, 2)
    canvas = rng.uniform(50, 90) + slope[0] * (x - SIZE / 2) + slope[1] * (y - SIZE / 2)
    for _ in range(rng.integers(3, 7)):
        _stroke(canvas, x, y, rng)
    for _ in range(rng.integers(1, 4)):
        piece = scans[int(rng.integers(len(scans)))].copy()
        piece[rng.integers(3, 5) :] = 0
        ink = _turned(piece, rng.uniform(*_SCALES), rng.uniform(0, 360), rng)
        corner = rng.integers(-_PATCH // 2, SIZE - _PATCH // 2, 2)
        _paint(canvas, ink, corner, rng.uniform(110, 230))
    return canvas


def _stroke(canvas: Array, x: Array, y: Array, rng: Generator) -> None:
    """A straight stroke of 1 to 4 pixels width between two random points."""
    begin, end = rng.uniform(0, SIZE, (2, 2))
    way = end - begin
    along = ((x - begin[0]) * way[0] + (y - begin[1]) * way[1]) / max(way @ way, 1)
    along = np.clip(along, 0, 1)
    apart = np.hypot(x - begin[0] - along * way[0], y - begin[1] - along * way[1])
    cover = np.clip(rng.uniform(1, 2.5) - apart, 0, 1)
    canvas += cover * (rng.uniform(20, 200) - canvas)
