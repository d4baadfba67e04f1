"""Programs whose convolutions, pooling and element-wise steps run in C, on blocked images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy

from caffe_lite.backend.lifetimes import Need, place
from caffe_lite.backend.native.blocked import STEP
from caffe_lite.backend.native.chain_images import ChainStep, Lowered
from caffe_lite.backend.native.lowering import lower
from caffe_lite.backend.operations import Holder, Step, Value
from caffe_lite.backend.reference.program import Program
from caffe_lite.types import Array

if TYPE_CHECKING:
    from caffe_lite.backend.native.ops import NativeOps

SHORT_CHAIN = 100_000  # products of vectors below which a call keeps the interpreter lock
BEYOND = 1 << 16  # bytes behind the block that a tile may read, without using what it reads


class NativeProgram(Program):
    """See `Program`. Steps that follow each other in C are one call."""

    ops: NativeOps

    def __init__(
        self,
        ops: NativeOps,
        values: Sequence[Value],
        steps: Sequence[Step],
        held: Mapping[int, Holder],
    ) -> None:
        super().__init__(ops, values, steps, held)
        self._lowered = lower(ops, values, self._steps, set(held))
        self._block: Array | None = None

    def _bind(self) -> None:
        lowered, held = self._lowered, {v: holder.data for v, holder in self._held.items()}
        self._bound = [(self._held[v], array) for v, array in held.items()]
        block = self._allocate(lowered)
        arrays = dict(held)
        for v, buffer in lowered.plain.items():
            part = block[buffer.offset : buffer.offset + buffer.size].view(self.ops.dtype)
            arrays[v] = part.reshape(self._values[v].shape)
        self._works = []
        chain: list[ChainStep] = []
        for item in lowered.items:
            if isinstance(item, ChainStep):
                chain.append(item)
                continue
            self._add_chain(chain, arrays, block)
            chain = []
            self._works.append(self._work(item, arrays))
        self._add_chain(chain, arrays, block)

    def _allocate(self, lowered: Lowered) -> Array:
        """The block that all buffers are in, aligned for vectors."""
        if self._block is None:
            buffers = lowered.buffers
            offsets, self.memory = place([Need(b.size, b.first, b.last) for b in buffers])
            for buffer, offset in zip(buffers, offsets, strict=True):
                buffer.offset = offset
            block = numpy.zeros(self.memory + BEYOND + 64, numpy.uint8)
            self._block = block[-block.ctypes.data % 64 :]
        return self._block

    def _add_chain(
        self, chain: Sequence[ChainStep], arrays: Mapping[int, Array], block: Array
    ) -> None:
        if not chain:
            return
        records = numpy.zeros(len(chain), STEP)
        itemsize = self.ops.dtype.itemsize
        at = block.ctypes.data
        for record, step in zip(records, chain, strict=True):
            for name, value in step.numbers.items():
                record[name] = value
            for name, array in step.arrays.items():
                record[name] = array.ctypes.data
            if step.scratch is not None:
                record["scratch"] = at + step.scratch.offset
            for name, image in step.images.items():
                record[name] = image.fields(at, itemsize)
            if step.plain is not None:
                record["plain"] = arrays[step.plain].ctypes.data
        address = records.ctypes.data
        work = sum(int(s.numbers.get("depth", 1)) * _vectors(s) for s in chain)
        library, count = self.ops.library, len(records)
        run = (library.with_gil if work < SHORT_CHAIN else library.without_gil).chain_run

        def run_chain(keep: object = records) -> None:
            run(count, address)

        self._works.append(run_chain)


def _vectors(step: ChainStep) -> int:
    """The number of vectors that a step writes."""
    n = step.numbers
    blocks = n.get("outputs") or n.get("channels", 1)
    return int(n["images"] * n["out_height"] * n["out_width"] * blocks)
