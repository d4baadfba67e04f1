"""The blocked images and the steps in C that a program is lowered to, as they are made."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

import numpy

from caffe_lite.backend.native.blocked import ACTIVATIONS, KINDS, Blocked, Buffer, slopes_of
from caffe_lite.backend.native.chain_layout import find_halos, find_parents
from caffe_lite.backend.operations import Activation, Step, Value
from caffe_lite.types import Array, Pair, Shape

if TYPE_CHECKING:
    from caffe_lite.backend.native.ops import NativeOps

Numbers = dict[str, float]  # fields of a step in C


@dataclass
class ChainStep:
    """One step in C: numbers, arrays, images, the value of its plain array, and scratch memory."""

    numbers: Numbers
    arrays: dict[str, Array] = field(default_factory=dict)
    images: dict[str, Blocked] = field(default_factory=dict)
    plain: int | None = None
    scratch: Buffer | None = None


@dataclass
class Lowered:
    """Steps in C and others in order, all buffers, and those of plain values by root."""

    items: list[ChainStep | Step] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    plain: dict[int, Buffer] = field(default_factory=dict)


class ChainImages:
    """Makes images and arrays when a step needs them, and collects the steps in `result`."""

    def __init__(
        self, ops: NativeOps, values: Sequence[Value], steps: Sequence[Step], held: Collection[int]
    ) -> None:
        self.library, self.dtype = ops.library.with_gil, ops.dtype
        self.lanes: int = self.library.chain_lanes()
        self.values, self.held = values, held
        self.result = Lowered()
        self.images: dict[int, Blocked] = {}  # by root, the blocked image of a value
        self.plain: set[int] = set()  # roots whose plain array has been written
        self.halos = find_halos(values, steps)
        self.parents = find_parents(values, steps, self.lanes, self.halos)

    @property
    def now(self) -> int:
        return len(self.result.items)

    def new_image(self, root: int) -> Blocked:
        """The image of a value that a step is about to write."""
        if root in self.images:
            return self.images[root]
        if root in self.parents:
            parent, first = self.parents[root]
            image = self.new_image(parent).part(first, self.values[root].shape[1])
        else:
            halo = self.halos.get(root, (0, 0))
            image = self.own_image(self.values[root].shape, halo)
        self.images[root] = image
        return image

    def own_image(self, shape: Shape, halo: Pair) -> Blocked:
        image = Blocked.new(shape, self.lanes, halo, self.dtype.itemsize, self.now)
        self.result.buffers.append(image.buffer)
        if any(halo):
            numbers: Numbers = {
                "images": shape[0],
                "outputs": image.blocks,
                "out_height": shape[2],
                "out_width": shape[3],
                "pad_h": halo[0],
                "pad_w": halo[1],
            }
            self.emit("halo", numbers, images={"y": image})
        return image

    def image(self, v: int) -> Blocked:
        """The image of a value that exists, made from its plain array if necessary."""
        root = self.values[v].root
        if root not in self.images:
            shape = self.values[root].shape
            halo = self.halos.get(root, (0, 0))
            self.images[root] = image = self.own_image(shape, halo)
            self.emit("from_plain", self.sizes(image), images={"y": image}, plain=root)
        return self.images[root]

    def sizes(self, image: Blocked) -> Numbers:
        """The numbers of a step over the pixels of one image."""
        images, channels, height, width = image.shape
        return {
            "images": images,
            "channels": image.blocks,
            "out_height": height,
            "out_width": width,
            "count": channels,
        }

    def emit(
        self,
        kind: str,
        numbers: Numbers,
        arrays: dict[str, Array | None] | None = None,
        images: dict[str, Blocked] | None = None,
        plain: int | None = None,
        scratch: Buffer | None = None,
    ) -> None:
        kept = {name: a for name, a in (arrays or {}).items() if a is not None}
        step = ChainStep({"kind": KINDS.index(kind), **numbers}, kept, images or {}, plain, scratch)
        if scratch is not None:
            scratch.first = scratch.last = self.now
            self.result.buffers.append(scratch)
        for image in step.images.values():
            image.buffer.last = self.now
        if plain is not None and plain not in self.held:
            self.touch(plain)
        self.result.items.append(step)

    def touch(self, root: int) -> None:
        """Note that the plain array of an internal value is used now."""
        if root not in self.result.plain:
            size = prod(self.values[root].shape) * self.dtype.itemsize
            buffer = Buffer(size, self.now, self.now)
            self.result.plain[root] = buffer
            self.result.buffers.append(buffer)
        self.result.plain[root].last = self.now

    def need_plain(self, root: int) -> None:
        if root in self.images and root not in self.plain:
            image = self.images[root]
            self.emit("to_plain", self.sizes(image), images={"x": image}, plain=root)
        self.plain.add(root)

    def activation(self, a: Activation | None, channels: int) -> tuple[Numbers, Array | None]:
        if a is None:
            return {}, None
        numbers = {
            "activation": ACTIVATIONS.index(a.kind),
            "slope": a.slope,
            "low": a.low,
            "high": a.high,
        }
        return numbers, self.typed(slopes_of(a, channels, self.lanes))

    def typed(self, values: Array | None) -> Array | None:
        return None if values is None else numpy.ascontiguousarray(values, self.dtype)
