"""Blocked images (`blocked.h`) and the steps over them, as C sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from caffe_lite.backend.operations import Activation
from caffe_lite.types import Array, Pair, Shape

# The positions of `kinds` in chain.c.
KINDS = (
    "convolution planar depthwise pooling sum map lrn from_plain to_plain copy planes halo winograd"
).split()
ACTIVATIONS = ("none", "leaky", "prelu", "clip", "elu")

_TENSOR = numpy.dtype([(name, "i8") for name in ("data", "image", "block", "row")])
STEP = numpy.dtype(
    [(name, "i8") for name in "kind images channels height width".split()]
    + [(name, "i8") for name in "outputs out_height out_width kernel_h kernel_w".split()]
    + [(name, "i8") for name in "stride_h stride_w pad_h pad_w dilation_h dilation_w group".split()]
    + [(name, _TENSOR) for name in "xyz"]
    + [(name, "i8") for name in "weight bias offset depth activation slopes".split()]
    + [(name, "f8") for name in ("slope", "low", "high")]
    + [(name, "i8") for name in ("count", "plain", "size")]
    + [(name, "f8") for name in ("alpha", "beta", "k")]
    + [("scratch", "i8")]
)


@dataclass
class Buffer:
    """Memory in the program's block: its size in bytes, and the steps that use it first and last.

    `offset` is its place, once that is known.
    """

    size: int
    first: int
    last: int
    offset: int = 0


@dataclass(frozen=True, eq=False)
class Blocked:
    """An image in blocks, in a buffer: element offsets of its first pixel and between its parts.

    `shape` is (N, C, H, W), `halo` the rows and columns of zeros around each plane.
    """

    buffer: Buffer
    shape: Shape
    lanes: int
    start: int
    image: int
    block: int
    row: int
    halo: Pair

    @classmethod
    def new(cls, shape: Shape, lanes: int, halo: Pair, itemsize: int, step: int) -> Blocked:
        """An image of its own, first used by a step."""
        images, channels, height, width = shape
        row = (width + 2 * halo[1]) * lanes
        block = (height + 2 * halo[0]) * row
        image = -(-channels // lanes) * block
        buffer = Buffer(images * image * itemsize, step, step)
        return cls(buffer, shape, lanes, halo[0] * row + halo[1] * lanes, image, block, row, halo)

    def part(self, first: int, count: int) -> Blocked:
        """Channels `first` ... of the same memory; `first` begins a block."""
        shape = (self.shape[0], count, *self.shape[2:])
        start = self.start + first // self.lanes * self.block
        return Blocked(
            self.buffer, shape, self.lanes, start, self.image, self.block, self.row, self.halo
        )

    @property
    def blocks(self) -> int:
        """The number of blocks of channels."""
        return -(-self.shape[1] // self.lanes)

    def fields(self, address: int, itemsize: int) -> tuple[int, int, int, int]:
        """What C reads, in a program's block at `address`."""
        data = address + self.buffer.offset + self.start * itemsize
        return data, self.image, self.block, self.row


def pack_dense(weight: Array, group: int, lanes: int) -> Array:
    """Weights (O, C / group, *kernel) in the order in which a blocked convolution reads them.

    Per group: pairs of blocks of outputs, then blocks of inputs, taps, inputs of the block, and the
    pair's outputs; a last odd block is alone. Missing channels are zero.
    """
    outputs, channels = weight.shape[0] // group, weight.shape[1]
    taps = weight.reshape(group, outputs, channels, -1)
    taps = _padded(_padded(taps, 1, lanes), 2, lanes)
    split = taps.reshape(group, -1, lanes, taps.shape[2] // lanes, lanes, taps.shape[3])
    # (group, block, input block, tap, input, output)
    return _in_pairs(split.transpose(0, 1, 3, 5, 4, 2))


def pack_winograd(weight: Array, lanes: int) -> Array:
    """Weights (O, C, 3, 3) for F(2x2, 3x3): per pair of blocks of outputs, 16 matrices.

    Matrix (i, j) has the entries (i, j) of G w G' of each filter w.
    """
    g = numpy.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    places = numpy.einsum("ia,ocab,jb->ocij", g, weight.astype(numpy.float64), g, optimize=True)
    places = places.astype(weight.dtype).reshape(*weight.shape[:2], 16)
    places = _padded(_padded(places, 0, lanes), 1, lanes)
    outputs, channels = places.shape[0] // lanes, places.shape[1] // lanes
    split = places.reshape(1, outputs, lanes, channels, lanes, 16)
    return _in_pairs(split.transpose(0, 1, 5, 3, 4, 2))


def pack_planar(weight: Array, lanes: int) -> Array:
    """Weights (O, C, *kernel) for a convolution of planes: pairs of blocks, channels and taps."""
    rows = _padded(weight.reshape(1, weight.shape[0], -1), 1, lanes)
    return _in_pairs(rows.reshape(1, -1, lanes, rows.shape[2]).transpose(0, 1, 3, 2))


def _in_pairs(blocks: Array) -> Array:
    """(group, block, ..., output) with two blocks' outputs side by side, flattened."""
    parts = []
    for group in blocks:
        even = len(group) // 2 * 2
        pairs = group[:even].reshape(-1, 2, *group.shape[1:])
        parts += [numpy.moveaxis(pairs, 1, -2).reshape(-1), group[even:].reshape(-1)]
    return numpy.concatenate(parts)


def pack_depthwise(weight: Array, lanes: int) -> Array:
    """Weights (C, 1, *kernel) as (block, tap, channel)."""
    rows = _padded(weight.reshape(weight.shape[0], -1), 0, lanes)
    return numpy.ascontiguousarray(rows.reshape(-1, lanes, rows.shape[1]).transpose(0, 2, 1))


def merged_groups(weight: Array, group: int, lanes: int) -> tuple[Array, int]:
    """Weights with groups joined, other weights zero, until their channels fill whole blocks.

    The number of groups is returned too; one group, if nothing less will do.
    """
    outputs, channels = weight.shape[0] // group, weight.shape[1]
    fits = (
        m
        for m in range(1, group + 1)
        if group % m == 0 and m * outputs % lanes == 0 and m * channels % lanes == 0
    )
    joined = next(fits, group)
    if joined == 1:
        return weight, group
    wide = numpy.zeros((weight.shape[0], joined * channels, *weight.shape[2:]), weight.dtype)
    for g in range(group):
        rows = slice(g * outputs, (g + 1) * outputs)
        first = g % joined * channels
        wide[rows, first : first + channels] = weight[rows]
    return wide, group // joined


def per_channel_blocks(values: Array | None, lanes: int) -> Array | None:
    """Values per channel, zeros up to a whole block."""
    return None if values is None else _padded(values.reshape(-1), 0, lanes)


def slopes_of(activation: Activation | None, channels: int, lanes: int) -> Array | None:
    """The slopes of a PReLU per channel."""
    if activation is None or activation.slopes is None:
        return None
    slopes = numpy.broadcast_to(activation.slopes.reshape(-1), (channels,))
    return _padded(slopes, 0, lanes)


def window_offsets(x: Blocked, blocks: int, kernel: Shape, dilation: Shape, pad: Shape) -> Array:
    """The offset of each block of inputs and tap from the first pixel, in elements."""
    rows = (numpy.arange(kernel[0]) * dilation[0] - pad[0]) * x.row
    columns = (numpy.arange(kernel[1]) * dilation[1] - pad[1]) * x.lanes
    taps = (rows[:, None] + columns).reshape(-1)
    offsets: Array = (numpy.arange(blocks)[:, None] * x.block + taps).reshape(-1)
    return offsets.astype(numpy.int64)


def _padded(array: Array, axis: int, multiple: int) -> Array:
    """Zeros at the end of an axis, up to a multiple."""
    missing = -array.shape[axis] % multiple
    width: Sequence[Pair] = [(0, missing if i == axis else 0) for i in range(array.ndim)]
    return numpy.pad(array, width) if missing else numpy.ascontiguousarray(array)
