"""Clips of real handwritten digits in motion: small videos with labels, flow and captions.

One or two digits perform one of ten motions for 16 frames; two digits perform it together. The
canvas is 32x32, the smallest on which two legible digits have room to move, so that a net can be
trained on a CPU within a minute or two. Same seed, same clips (for one NumPy version: its random
streams may change between versions).
"""

from dataclasses import dataclass

import numpy as np

from caffe_lite.datasets import render
from caffe_lite.datasets.captions import describe, word_ids
from caffe_lite.datasets.digits import load_digits
from caffe_lite.datasets.motions import MOTIONS, Paths, draw_paths


@dataclass(frozen=True)
class Clip:
    """`frames` (16, 32, 32) uint8, ink 255; `label` indexes MOTIONS; `digits` shown, 1 or 2.

    `flow` (16, 32, 32, 2) float32: the pixels by which ink moves to the next frame, x and y.
    `words` are the caption's ids in captions.VOCABULARY.
    """

    frames: np.ndarray
    label: int
    digits: tuple[int, ...]
    flow: np.ndarray
    caption: str
    words: list[int]


class Clips:
    """A set of clips: `frames` (n, 16, 32, 32) uint8, `labels` (n,), `captions`; `clips[i]`."""

    def __init__(self, scans: np.ndarray, digits: np.ndarray, paths: Paths) -> None:
        self.paths = paths
        self.digits = digits
        self.labels = paths.label
        self.captions = describe(paths, digits)
        self.frames = render.render(scans, paths)
        self._scans = scans

    def __len__(self) -> int:
        return len(self.labels)

    def flow(self, clips: np.ndarray | slice) -> np.ndarray:
        """The flow of some clips, (k, 16, 32, 32, 2) float32; computed on demand."""
        return render.flow(self._scans, self.paths, np.arange(len(self))[clips])

    def __getitem__(self, index: int) -> Clip:
        caption = self.captions[index]
        return Clip(
            frames=self.frames[index],
            label=int(self.labels[index]),
            digits=tuple(self.digits[index, : self.paths.count[index]].tolist()),
            flow=self.flow(np.array([index]))[0],
            caption=caption,
            words=word_ids(caption),
        )


def make_clips(n: int, seed: int, split: str = "train") -> Clips:
    """Make `n` clips from the digits of one split; the motions come equally often, to within one.

    Clips of the split "test" show only digits that no clip of "train" shows.
    """
    images, classes = load_digits(split)
    rng = np.random.default_rng([seed, ("train", "test").index(split)])
    label = rng.permutation(np.arange(n) % len(MOTIONS))
    chosen = rng.integers(len(images), size=(n, 2))
    return Clips(images[chosen], classes[chosen], draw_paths(label, rng))
