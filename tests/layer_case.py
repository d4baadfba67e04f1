"""One layer with typical inputs, for the tests over the whole registry.

A layer beyond Caffe's own has a list CASES of these in its test file, tests/forks/*/test_*.py;
Caffe's are in tests/layer_cases.py.
"""

import sys
import zlib
from dataclasses import dataclass

import numpy as np

_generators: dict[str, np.random.Generator] = {}

FILLERS = 'weight_filler { type: "gaussian" std: 0.7 } bias_filler { type: "gaussian" std: 0.5 }'


@dataclass(frozen=True)
class Case:
    """One layer; `text` lacks its `type`.

    `batched` are the bottoms that shrink with the batch (default all), along axis 0. `gradient`
    False: there is none to check. `flags` is propagate_down where labels are not all that must be
    left out. `own_gradient` says why the backward pass is right and yet not the derivative of the
    forward pass; its test file checks it. `random` says that the numbers of another device differ.
    `allocates` says why the layer makes large arrays in every iteration. `grows` gives the axis
    along which each bottom grows to hundreds of thousands of numbers (default: the batch).
    `takes_empty` says that a bottom may have no elements.
    """

    type: str
    text: str = ""
    bottoms: tuple = ()
    phase: str = "TRAIN"
    tops: int = 1
    batched: tuple | None = None
    gradient: bool = True
    own_gradient: str = ""
    flags: tuple | None = None
    tolerance: float = 1e-6
    random: bool = False
    in_place: bool = True
    allocates: str = ""
    grows: tuple | None = None
    takes_empty: bool = False

    @property
    def prototxt(self):
        return f'name: "mine" type: "{self.type}" {self.text}'

    def smaller(self):
        """The bottoms with one item less in the batch."""
        count = len(self.bottoms)
        batched = range(count) if self.batched is None else self.batched
        return tuple(x[:-1] if i in batched else x for i, x in enumerate(self.bottoms))

    def enlarged(self):
        """The bottoms with hundreds of thousands of numbers."""
        repeats = 2 + 300_000 // max(np.size(x) for x in self.bottoms)
        batched = range(len(self.bottoms)) if self.batched is None else self.batched
        axes = self.grows or [0 if i in batched else None for i in range(len(self.bottoms))]
        return [
            x if axis is None else np.concatenate([x] * repeats, axis=axis)
            for x, axis in zip(self.bottoms, axes, strict=True)
        ]


def _rng():
    """The calling module's own generator: its numbers depend on no other module's import."""
    name = sys._getframe(2).f_globals["__name__"]
    return _generators.setdefault(name, np.random.default_rng(zlib.crc32(name.encode())))


def normal(*shape):
    return _rng().normal(size=shape)


def uniform(*shape, low=0.0):
    return _rng().uniform(low, 1, shape)


def spread(*shape, low=-2.0, high=2.0):
    """Numbers evenly over [low, high] in random order, none near a multiple of a tenth."""
    return _rng().permutation(np.linspace(low, high, int(np.prod(shape))) + 0.0123).reshape(shape)


def labels(*shape, classes=3):
    return _rng().integers(0, classes, shape).astype(float)
