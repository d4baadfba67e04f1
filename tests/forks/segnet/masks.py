"""Pooling masks for the tests of the layers that undo pooling."""

import numpy as np

RNG = np.random.default_rng(8)


def mask(shape, stride, size):
    """A mask of `shape` with one place in each square of `stride` pixels of a (H, W) = `size`."""
    places = np.empty(shape)
    for index in np.ndindex(shape):
        row = min(index[2] * stride + RNG.integers(stride), size[0] - 1)
        column = min(index[3] * stride + RNG.integers(stride), size[1] - 1)
        places[index] = row * size[1] + column
    return places


def placed(x, places, size):
    y = np.zeros((*x.shape[:2], *size))
    for n, c, h, w in np.ndindex(x.shape):
        row, column = divmod(int(places[n, c, h, w]), size[1])
        y[n, c, row, column] = x[n, c, h, w]
    return y
