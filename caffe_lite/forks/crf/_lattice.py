"""Gaussian filtering of values at scattered points, by a permutohedral lattice; on the host.

Adams, Baek and Davis, Fast High-Dimensional Filtering Using the Permutohedral Lattice, 2010.
"""

import numpy as np

from caffe_lite.types import Array

_FARTHEST = 1e9  # deviations from 0; beyond, a float64 is too coarse to tell simplices apart


class Lattice:
    """Filters values at N points of d features: about sum over j of exp(-|f_i - f_j|^2 / 2) v_j.

    A point's value is spread over the d + 1 corners of its simplex, blurred along the d + 1 axes of
    the lattice, and gathered again.
    """

    def __init__(self, features: Array) -> None:
        """`features` (N, d) in units of the Gaussian's deviation; NaN is 0."""
        count, self._d = features.shape
        features = np.clip(np.nan_to_num(features.astype(float)), -_FARTHEST, _FARTHEST)
        greatest, rank, self._weights = self._simplices(features)
        keys = np.concatenate([self._corner(greatest, rank, r) for r in range(self._d + 1)])
        self._vertices, corner = self._unique(keys)
        self._corners = corner.reshape(self._d + 1, count)
        self._neighbours = [self._along(axis) for axis in range(self._d + 1)]

    def _simplices(self, features: Array) -> tuple[Array, Array, Array]:
        """Of each point: its remainder-0 corner (N, d + 1), the ranks of the differences (N, d + 1)
        and the barycentric weights of the corners (N, d + 1)."""
        count, d = features.shape
        axes = np.arange(1, d + 1)
        scaled = features * (np.sqrt(2 / 3) * (d + 1)) / np.sqrt(axes * (axes + 1.0))
        elevated = np.zeros((count, d + 1))  # in the hyperplane of sum 0
        rest = np.cumsum(scaled[:, ::-1], axis=1)[:, ::-1]
        elevated[:, 0] = rest[:, 0]
        elevated[:, 1:] = -axes * scaled
        elevated[:, 1:-1] += rest[:, 1:]
        down = np.floor(elevated / (d + 1)) * (d + 1)
        up = np.ceil(elevated / (d + 1)) * (d + 1)
        greatest = np.where(up - elevated < elevated - down, up, down)
        excess = np.rint(greatest.sum(axis=1, keepdims=True) / (d + 1)).astype(int)
        order = np.argsort(greatest - elevated, axis=1, kind="stable")
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(d + 1)[None], axis=1)
        rank += excess
        for off, wrap in ((rank < 0, d + 1), (rank > d, -(d + 1))):
            rank[off] += wrap
            greatest[off] += wrap
        weights = np.zeros((count, d + 2))
        share = (elevated - greatest) / (d + 1)
        rows = np.arange(count)[:, None]
        np.add.at(weights, (rows, d - rank), share)
        np.add.at(weights, (rows, d + 1 - rank), -share)
        weights[:, 0] += 1 + weights[:, -1]
        return greatest.astype(np.int64), rank, weights[:, :-1]

    def _corner(self, greatest: Array, rank: Array, remainder: int) -> Array:
        """The coordinates (N, d) of the corner of each simplex; the last one follows from them."""
        d = self._d
        step = np.where(rank <= d - remainder, remainder, remainder - (d + 1))
        corner: Array = (greatest + step)[:, :d]
        return corner

    def _unique(self, keys: Array) -> tuple[Array, Array]:
        """The different keys, and which of them each is."""
        self._least = keys.min(axis=0) - self._d - 1
        self._spans = keys.max(axis=0) + self._d + 2 - self._least
        self._codes, index = np.unique(self._code(keys), return_inverse=True)
        vertices = np.empty((len(self._codes), self._d), np.int64)
        vertices[index.reshape(-1)] = keys
        return vertices, index

    def _code(self, keys: Array) -> Array:
        """One number for each key; Python's integers where 64 bits are too few."""
        big = float(np.prod(self._spans.astype(float))) >= 2**62
        code = np.zeros(len(keys), object if big else np.int64)
        for axis in range(self._d):
            code = code * int(self._spans[axis]) + (keys[:, axis] - self._least[axis])
        return code

    def _along(self, axis: int) -> tuple[Array, Array]:
        """The neighbours of each vertex on both sides; the number of vertices where none is."""
        found = []
        for sign in (-1, 1):
            keys = self._vertices + sign
            if axis < self._d:
                keys[:, axis] -= sign * (self._d + 1)
            code = self._code(keys)
            place = np.minimum(np.searchsorted(self._codes, code), len(self._codes) - 1)
            found.append(np.where(self._codes[place] == code, place, len(self._codes)))
        return found[0], found[1]

    def filter(self, values: Array, transposed: bool = False) -> Array:
        """Filtered values (N, C). `transposed` filters by the transpose, as a gradient needs."""
        count = len(self._codes)
        lattice = np.zeros((count + 1, values.shape[1]))
        for corner, weight in zip(self._corners, self._weights.T, strict=True):
            for channel in range(values.shape[1]):
                lattice[:count, channel] += np.bincount(
                    corner, weight * values[:, channel], minlength=count
                )
        neighbours = self._neighbours[::-1] if transposed else self._neighbours
        for one, other in neighbours:
            lattice[:count] += 0.5 * (lattice[one] + lattice[other])
        out = np.zeros(values.shape)
        for corner, weight in zip(self._corners, self._weights.T, strict=True):
            out += weight[:, None] * lattice[corner]
        return out / (1 + 2.0**-self._d)
