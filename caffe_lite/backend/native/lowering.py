"""From the steps of a program to steps in C on blocked images, where that is possible."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from caffe_lite.backend.native.blocked import Blocked, per_channel_blocks
from caffe_lite.backend.native.chain_convolution import convolve
from caffe_lite.backend.native.chain_images import ChainImages, Lowered
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
from caffe_lite.types import Array

if TYPE_CHECKING:
    from caffe_lite.backend.native.ops import NativeOps


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


class _Lowering(ChainImages):
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
            return convolve(self, step, operation)
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
