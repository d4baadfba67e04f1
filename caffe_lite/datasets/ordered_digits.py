"""Clips of handwritten digits whose activities differ in the order of two motions.

A digit's class suggests which two motions it performs, as a scene suggests an activity, but not
their order. A hand-held camera shakes over a faint texture; speed and shake vary from clip to clip.
Same seed, same clips (for one NumPy version).
"""

from functools import cache

import numpy as np

from caffe_lite.data.resize import resize
from caffe_lite.datasets import render
from caffe_lite.datasets.captions import DIGIT_NAMES, UNKNOWN
from caffe_lite.datasets.digits import load_digits
from caffe_lite.datasets.ordered_motions import (
    FREQUENT,
    MOTIONS,
    PAIR_OF_DIGIT,
    PAIRS,
    SIZE,
    TIMES,
    USUAL,
    Courses,
    draw_courses,
    motions_of,
)
from caffe_lite.errors import DataError

SPLITS = ("train", "sentences", "validation", "test")
WORDS = tuple(" ".join((*DIGIT_NAMES, *MOTIONS, "then", "after", "it")).split())
VOCABULARY = tuple(dict.fromkeys((UNKNOWN, *WORDS)))

_TEXTURE = (0.0, 60.0)  # grey levels of the texture, at most; another value in each clip
_CELL = 4  # pixels of the texture's coarse grid
_MARGIN = 16  # pixels of the texture beyond the canvas, for the camera's shake
_INK = (0.6, 1.0)  # contrast of the ink
_NOISE = (0.0, 12.0)  # grey levels: the standard deviation of each pixel's noise, another per clip
_CHUNK = 64  # clips drawn at once


class OrderedClips:
    """A set of clips.

    `frames` (n, 17, 32, 32) uint8, ink bright on dark paper: 16 frames, and one more for the flow
    of the last. `labels` (n,) index ACTIVITIES, `motions` (n, 2) index MOTIONS, `digits` (n,) are 0
    to 9. `captions` has one caption per clip, `references` both ways to say it.
    """

    def __init__(self, frames: np.ndarray, digits: np.ndarray, courses: Courses) -> None:
        self.frames, self.digits, self.labels = frames, digits, courses.label
        self.motions = motions_of(courses.label)
        self.references = [
            say(digit, *motions)
            for digit, motions in zip(digits.tolist(), self.motions.tolist(), strict=True)
        ]
        self.captions = [both[i % 2] for i, both in enumerate(self.references)]

    def __len__(self) -> int:
        return len(self.labels)


def say(digit: int, first: int, second: int) -> tuple[str, str]:
    """Both captions of a clip: "a six turns then grows" and "a six grows after it turns"."""
    name, one, other = DIGIT_NAMES[digit], MOTIONS[first], MOTIONS[second]
    return f"{name} {one} then {other}", f"{name} {other} after it {one}"


@cache
def scans(split: str) -> tuple[np.ndarray, np.ndarray]:
    """The scans (n, 8, 8) and classes (n,) that clips of a split show, disjoint from the others'.

    "test" has the test digits. Of the training digits "train" has a half; "sentences", for nets
    that read the predictions of others, and "validation" have a quarter each.
    """
    if split not in SPLITS:
        raise DataError(f'there is no split "{split}" of the ordered digits, only {SPLITS}')
    if split == "test":
        return load_digits("test")
    images, classes = load_digits("train")
    rows = np.random.default_rng(0).permutation(len(images))
    half, quarter = len(rows) // 2, len(rows) // 4
    bounds = {
        "train": (0, half),
        "sentences": (half, half + quarter),
        "validation": (half + quarter, len(rows)),
    }
    chosen = rows[slice(*bounds[split])]
    return images[chosen], classes[chosen]


def make_ordered_clips(n: int, seed: int, split: str, swap: bool = False) -> OrderedClips:
    """Make `n` clips of one split; of each two motions one order comes twice as often as the other.

    `swap` makes the twins of the same clips: all else equal, with the motions in the other order.
    """
    images, classes = scans(split)
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    label = rng.permutation(np.take(FREQUENT, np.arange(n) % len(FREQUENT)))
    usual = rng.random(n) < USUAL
    fitting = [np.flatnonzero(np.take(PAIR_OF_DIGIT, classes) == p) for p in range(len(PAIRS))]
    chosen = np.array(
        [
            rng.choice(fitting[pair]) if fits else rng.integers(len(images))
            for pair, fits in zip(label // 2, usual, strict=True)
        ],
        int,
    )
    courses = draw_courses(label ^ swap, rng)
    frames = _draw(images[chosen], courses, rng)
    frames = np.take_along_axis(frames, courses.order[..., None, None], 1)
    return OrderedClips(frames, classes[chosen], courses)


def _draw(ink: np.ndarray, courses: Courses, rng: np.random.Generator) -> np.ndarray:
    """Frames (n, 17, 32, 32) uint8, at the times of `courses`."""
    n = len(ink)
    contrast = rng.uniform(*_INK, (n, 1, 1, 1)) * 255 / 16
    coarse = -(-(SIZE + 2 * _MARGIN) // _CELL)
    texture = rng.uniform(0, 255, (n, coarse, coarse)).astype(np.uint8)
    level = rng.uniform(*_TEXTURE, (n, 1, 1, 1)) / 255
    noise = rng.uniform(*_NOISE, (n, 1, 1, 1)).astype(np.float32)
    frames = np.empty((n, TIMES, SIZE, SIZE), np.uint8)
    for first in range(0, n, _CHUNK):
        mine = slice(first, min(first + _CHUNK, n))
        x, y = np.moveaxis(courses.camera[mine], -1, 0)
        where = render.to_scan(
            *(
                values.astype(np.float32)
                for values in (
                    courses.x[mine] + x,
                    courses.y[mine] + y,
                    courses.angle[mine],
                    courses.scale[mine],
                )
            )
        )
        drawn = render.sample(ink[mine], *where)
        paper = _shaken(texture[mine], x, y) * level[mine]
        grain = rng.standard_normal(drawn.shape, np.float32) * noise[mine]
        scene = np.maximum(drawn * contrast[mine], paper)
        frames[mine] = np.clip(scene + grain + 0.5, 0, 255)
    return frames


def _shaken(texture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The texture (n, coarse, coarse), enlarged and moved by `x` and `y` (n, 17) pixels."""
    size = texture.shape[1] * _CELL
    large = np.stack([resize(each[..., None], size, size)[..., 0] for each in texture])
    pixel = np.arange(SIZE) + _MARGIN
    row = np.clip(pixel - y[..., None], 0, size - 1.001)[..., None]
    column = np.clip(pixel - x[..., None], 0, size - 1.001)[..., None, :]
    top, left = row.astype(int), column.astype(int)
    clip = np.arange(len(large))[:, None, None, None]
    upper, lower = (
        large[clip, r, left] * (1 - column + left) + large[clip, r, left + 1] * (column - left)
        for r in (top, top + 1)
    )
    moved: np.ndarray = upper + (lower - upper) * (row - top)
    return moved
