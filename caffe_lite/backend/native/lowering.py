"""From the steps of a program to steps in C on blocked images, where that is possible."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

import numpy

from caffe_lite.backend.native.blocked import (
    ACTIVATIONS,
    KINDS,
    Blocked,
    Buffer,
    merged_groups,
    pack_dense,
    pack_depthwise,
    pack_planar,
    pack_winograd,
    per_channel_blocks,
    slopes_of,
    window_offsets,
)
from caffe_lite.backend.operations import (
    Activation,
    Add,
    Affine,
    Convolve,
    Cut,
    Join,
    Normalize,
    Pool,
    Step,
    Value,
)
from caffe_lite.types import Array, Pair, Shape

if TYPE_CHECKING:
    from caffe_lite.backend.native.ops import NativeOps


Numbers = dict[str, float]  # fields of a step in C


SQUARES_BYTES = 768 << 10  # of transformed squares: what a second-level cache holds


def winograd_pays(o: Convolve, lanes: int) -> bool:
    """Whether minimal filtering is faster: 3x3, many channels, and few outputs beyond the image."""
    g, (_, outputs, height, width) = o.geometry, o.y_shape
    plain = (g.kernel, g.stride, g.pad, g.dilation, g.group) == ((3, 3), (1, 1), (1, 1), (1, 1), 1)
    squares = -(-height // 2) * -(-width // 2)
    used = height * width / (4 * squares)
    return plain and min(o.x_shape[1], outputs) >= 2 * lanes and squares >= 36 and used > 0.8


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


def lower(
    ops: NativeOps, values: Sequence[Value], steps: Sequence[Step], held: Collection[int]
) -> Lowered:
    """Lower the steps; values at the positions `held` have memory elsewhere, in the plain layout.

    A convolution always runs on blocked images. Another step does if its inputs are blocked.
    """
    lowering = _Lowering(ops, values, steps, held)
    for step in steps:
        if not lowering.blocked_step(step):
            lowering.plain_step(step)
        lowering.fill_held(step)
    return lowering.result


class _Lowering:
    def __init__(
        self, ops: NativeOps, values: Sequence[Value], steps: Sequence[Step], held: Collection[int]
    ) -> None:
        self.library, self.dtype = ops.library.with_gil, ops.dtype
        self.lanes: int = self.library.chain_lanes()
        self.values, self.held = values, held
        self.result = Lowered()
        self.images: dict[int, Blocked] = {}  # by root, the blocked image of a value
        self.plain: set[int] = set()  # roots whose plain array has been written
        self.halos = self._halos(steps)
        self.parents = self._parents(steps)

    # What is known of all steps before the first is lowered

    def _halos(self, steps: Sequence[Step]) -> dict[int, Pair]:
        """By root, the padding of the convolutions that read it, or parts of it."""
        halos: dict[int, Pair] = {}
        for step in reversed(steps):
            if isinstance(step.operation, Cut):
                of_parts = [halos.get(self.values[v].root, (0, 0)) for v in step.outputs]
                root = self.values[step.inputs[0]].root
                of_parts.append(halos.get(root, (0, 0)))
                halos[root] = max(h for h, _ in of_parts), max(w for _, w in of_parts)
            if isinstance(step.operation, Convolve) and len(step.operation.geometry.pad) == 2:
                root = self.values[step.inputs[0]].root
                pad = step.operation.geometry.pad
                old = halos.get(root, (0, 0))
                halos[root] = max(old[0], pad[0]), max(old[1], pad[1])
        return halos

    def _parents(self, steps: Sequence[Step]) -> dict[int, tuple[int, int]]:
        """By root, the value that it is a part of, and its first channel there.

        Whoever makes it writes there. A part that does not begin with a block is copied instead.
        """
        parents: dict[int, tuple[int, int]] = {}
        for step in steps:
            if not isinstance(step.operation, Join) or step.operation.axis != 1:
                continue
            if len(self.values[step.outputs[0]].shape) != 4:
                continue
            first = 0
            for v in step.inputs:
                root = self.values[v].root
                whole = self.values[v].shape == self.values[root].shape
                if first % self.lanes == 0 and root not in parents and whole:
                    parents[root] = self.values[step.outputs[0]].root, first
                first += self.values[v].shape[1]
        # A halo around a part is one around the whole.
        for root in reversed(list(parents)):
            self._widen(parents, root)
        return parents

    def _widen(self, parents: dict[int, tuple[int, int]], root: int) -> None:
        halo = self.halos.get(root, (0, 0))
        while root in parents:
            root = parents[root][0]
            old = self.halos.get(root, (0, 0))
            halo = max(old[0], halo[0]), max(old[1], halo[1])
            self.halos[root] = halo

    # Images and arrays

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

    # Steps

    def plain_step(self, step: Step) -> None:
        """Let a step run on plain arrays."""
        for v in step.inputs:
            self.need_plain(self.values[v].root)
        for v in (*step.inputs, *step.outputs):
            root = self.values[v].root
            if root not in self.held:
                self.touch(root)
            if v in step.outputs:  # perhaps the start of a whole whose parts are not all blocked
                self.images.pop(root, None)
        self.plain.update(self.values[v].root for v in step.outputs)
        self.result.items.append(step)

    def need_plain(self, root: int) -> None:
        if root in self.images and root not in self.plain:
            image = self.images[root]
            self.emit("to_plain", self.sizes(image), images={"x": image}, plain=root)
        self.plain.add(root)

    def fill_held(self, step: Step) -> None:
        """Write the plain arrays of values that are held elsewhere."""
        for v in step.outputs:
            if self.values[v].root in self.held:
                self.need_plain(self.values[v].root)

    def blocked_step(self, step: Step) -> bool:
        """Lower a step to blocked images, if that is possible and pays."""
        shapes = [self.values[v].shape for v in (*step.inputs, *step.outputs)]
        operation = step.operation
        if any(
            len(shape) != 4 or self.values[v].shape != self.values[self.values[v].root].shape
            for v, shape in zip((*step.inputs, *step.outputs), shapes, strict=True)
        ):
            return False
        if isinstance(operation, Convolve):
            return self.convolve(step, operation)
        if any(self.values[v].root not in self.images for v in step.inputs):
            return False
        if isinstance(operation, Pool):
            self.pool(step, operation)
        elif isinstance(operation, Affine):
            self.map(step, operation.scale, operation.shift, operation.activation)
        elif isinstance(operation, Activation):
            self.map(step, None, None, operation)
        elif isinstance(operation, Normalize):
            return self.normalize(step, operation)
        elif isinstance(operation, Add):
            self.add(step, operation)
        elif isinstance(operation, Join):
            return operation.axis == 1 and self.join(step)
        elif isinstance(operation, Cut):
            return operation.axis == 1 and self.cut(step, operation)
        else:
            return False
        return True

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

    def convolve(self, step: Step, o: Convolve) -> bool:
        g, lanes = o.geometry, self.lanes
        x_shape, y_shape = (self.values[v].shape for v in (step.inputs[0], step.outputs[0]))
        if len(g.kernel) != 2 or o.x_shape != x_shape or o.y_shape != y_shape:
            return False
        channels, outputs = x_shape[1], y_shape[1]
        root = self.values[step.inputs[0]].root
        depthwise = g.group == channels == outputs and g.group > 1
        planar = g.group == 1 and channels < lanes and root not in self.images
        if planar and max(g.stride) > 64:
            return False
        if not (planar or depthwise) and g.stride[1] not in (1, 2):
            return False
        weight, group = o.weight, g.group
        if not (planar or depthwise) and group > 1:
            weight, group = merged_groups(weight, group, lanes)
            if group > 1 and (weight.shape[1] % lanes or outputs // group % lanes):
                return False
            if weight.size > 8 * o.weight.size * max(1, lanes // 16):
                return False  # mostly zeros
        numbers, slopes = self.activation(o.activation, outputs)
        numbers |= {
            "images": x_shape[0],
            "height": x_shape[2],
            "width": x_shape[3],
            "out_height": y_shape[2],
            "out_width": y_shape[3],
            "outputs": -(-outputs // lanes),
            "group": group,
        }
        for name in ("kernel", "stride", "pad", "dilation"):
            numbers[f"{name}_h"], numbers[f"{name}_w"] = getattr(g, name)
        images: dict[str, Blocked] = {}
        arrays: dict[str, Array | None] = {
            "bias": self.typed(per_channel_blocks(o.bias, lanes)),
            "slopes": slopes,
        }
        if planar:
            images["x"], arrays["offset"], depth = self.planes(root, x_shape, y_shape, numbers)
            arrays["weight"], kind, blocks = pack_planar(weight, lanes), "planar", 1
        else:
            images["x"] = x = self.image(step.inputs[0])
            blocks = x.blocks
            window = (g.kernel, g.dilation, g.pad)
            if group == 1 and winograd_pays(o, lanes):
                self.winograd(step, o, x, numbers, arrays)
                return True
            if depthwise:
                kind, depth = "depthwise", g.taps
                arrays["offset"] = window_offsets(x, 1, *window)
                arrays["weight"] = pack_depthwise(weight, lanes)
            else:
                kind, depth = "convolution", blocks // group * g.taps
                arrays["offset"] = window_offsets(x, blocks // group, *window)
                arrays["weight"] = pack_dense(weight, group, lanes)
        if len(step.inputs) > 1:
            images["z"] = self.image(step.inputs[1])
        images["y"] = self.new_image(self.values[step.outputs[0]].root)
        numbers |= {"depth": depth, "channels": blocks}
        self.emit(kind, numbers, arrays, images)
        return True

    def winograd(
        self, step: Step, o: Convolve, x: Blocked, numbers: Numbers, arrays: dict[str, Array | None]
    ) -> None:
        images = {"x": x}
        if len(step.inputs) > 1:
            images["z"] = self.image(step.inputs[1])
        images["y"] = self.new_image(self.values[step.outputs[0]].root)
        squares = -(-x.shape[2] // 2) * -(-x.shape[3] // 2)
        each = 16 * (x.blocks + 2) * self.lanes * self.dtype.itemsize  # bytes
        run = min(squares, max(14, SQUARES_BYTES // each // 14 * 14))
        threads: int = self.library.pool_threads()
        arrays["weight"] = pack_winograd(o.weight, self.lanes)
        arrays["offset"] = numpy.arange(x.blocks, dtype=numpy.int64) * run * self.lanes
        numbers |= {"channels": x.blocks, "depth": x.blocks, "size": run, "count": threads}
        scratch = Buffer(threads * run * each, self.now, self.now)
        self.emit("winograd", numbers, arrays, images, scratch=scratch)

    def planes(
        self, root: int, x_shape: Shape, y_shape: Shape, numbers: Numbers
    ) -> tuple[Blocked, Array, int]:
        """Planes of the few channels of a plain image, and the offsets of their taps."""
        names = "kernel_h kernel_w stride_h stride_w pad_h pad_w dilation_h dilation_w".split()
        sizes = [*x_shape, *y_shape[1:], *(int(numbers[name]) for name in names), 1]
        plan, row = numpy.array(sizes, numpy.int64), numpy.zeros(1, numpy.int64)
        depth = x_shape[1] * int(numbers["kernel_h"] * numbers["kernel_w"])
        offsets = numpy.zeros(depth, numpy.int64)
        plane: int = self.library.chain_planes(
            plan.ctypes.data, row.ctypes.data, offsets.ctypes.data
        )
        image = x_shape[1] * plane
        buffer = Buffer(x_shape[0] * image * self.dtype.itemsize, self.now, self.now)
        self.result.buffers.append(buffer)
        planes = Blocked(buffer, x_shape, 1, 0, image, plane, int(row[0]), (0, 0))
        filled = {**numbers, "count": x_shape[1], "activation": 0}
        self.need_plain(root)
        self.emit("planes", filled, images={"y": planes}, plain=root)
        return planes, offsets, depth

    def pool(self, step: Step, o: Pool) -> None:
        x = self.image(step.inputs[0])
        y = self.new_image(self.values[step.outputs[0]].root)
        numbers = self.sizes(y) | {"height": x.shape[2], "width": x.shape[3]}
        numbers |= {"kernel_h": o.kernel[0], "kernel_w": o.kernel[1], "depth": o.kind == "average"}
        numbers |= {"stride_h": o.step[0], "stride_w": o.step[1]}
        numbers |= {"pad_h": o.pad[0], "pad_w": o.pad[1]}
        self.emit("pooling", numbers, images={"x": x, "y": y})

    def map(
        self, step: Step, scale: Array | None, shift: Array | None, activation: Activation | None
    ) -> None:
        x = self.image(step.inputs[0])
        y = self.new_image(self.values[step.outputs[0]].root)
        numbers, slopes = self.activation(activation, x.shape[1])
        arrays = {
            "weight": self.typed(per_channel_blocks(scale, self.lanes)),
            "bias": self.typed(per_channel_blocks(shift, self.lanes)),
            "slopes": slopes,
        }
        self.emit("map", self.sizes(y) | numbers, arrays, {"x": x, "y": y})

    def normalize(self, step: Step, o: Normalize) -> bool:
        x = self.image(step.inputs[0])
        if o.k <= 0 and x.shape[1] % self.lanes:
            return False  # the channels that fill the last block up would become NaN
        y = self.new_image(self.values[step.outputs[0]].root)
        numbers = self.sizes(y) | {"size": o.size, "alpha": o.alpha, "beta": o.beta, "k": o.k}
        self.emit("lrn", numbers, images={"x": x, "y": y})
        return True

    def add(self, step: Step, o: Add) -> None:
        """The sum of two images, then of that and each further one."""
        images = [self.image(v) for v in step.inputs]
        y = self.new_image(self.values[step.outputs[0]].root)
        total, alpha = images[0], o.coefficients[0]
        if len(images) == 1:
            images.append(images[0])
        for n, (x, beta) in enumerate(zip(images[1:], [*o.coefficients[1:], 0.0], strict=False)):
            last = n == len(images) - 2
            numbers, slopes = self.activation(o.activation if last else None, y.shape[1])
            numbers |= self.sizes(y) | {"alpha": alpha, "beta": beta}
            self.emit("sum", numbers, {"slopes": slopes}, {"x": total, "z": x, "y": y})
            total, alpha = y, 1.0

    def join(self, step: Step) -> bool:
        """Parts that were written elsewhere are copied into the whole."""
        root = self.values[step.outputs[0]].root
        whole, first = self.new_image(root), 0
        for v in step.inputs:
            image, part = self.image(v), self.values[v].root
            if self.parents.get(part) != (root, first) or image.buffer is not whole.buffer:
                end = first + image.shape[1] == whole.shape[1]
                numbers = self.sizes(image) | {"size": first, "depth": end}
                self.emit("copy", numbers, images={"x": image, "y": whole})
            first += image.shape[1]
        whole.buffer.last = self.now
        return True

    def cut(self, step: Step, o: Cut) -> bool:
        """Outputs that are whole blocks are parts of the input's memory."""
        x, lanes = self.image(step.inputs[0]), self.lanes
        parts: dict[int, Blocked] = {}
        for v, first, end in zip(step.outputs, o.cuts, o.cuts[1:], strict=False):
            root = self.values[v].root
            halo = self.halos.get(root, (0, 0))
            whole = first % lanes == 0 and (end % lanes == 0 or end == x.shape[1])
            fits = halo[0] <= x.halo[0] and halo[1] <= x.halo[1]
            if not whole or root in self.parents or not fits:
                return False
            parts[root] = x.part(first, end - first)
        self.images.update(parts)
        return True
