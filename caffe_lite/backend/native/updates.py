"""The solvers' update rules in C."""

from collections.abc import Sequence
from typing import Any

import numpy

from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native.base import NativeBase
from caffe_lite.backend.rules import KERNELS, Hyper, UpdateRule
from caffe_lite.backend.slots import UpdateSlot

_NUMBERS = {kernel: number for number, kernel in enumerate(KERNELS)}


class NativeUpdates(NativeBase, NumpyOps):
    """See `ReferenceUpdates`."""

    def update(
        self,
        rule: UpdateRule,
        slots: Sequence[UpdateSlot],
        rate: Any,
        scale: Any = 1.0,
        weight_decay: float = 0.0,
        l1: bool = False,
        **hyper: Any,
    ) -> None:
        kernel = rule.kernel
        if kernel is None:
            super().update(rule, slots, rate, scale, weight_decay, l1, **hyper)
            return
        rule.check(slots)
        h = Hyper(**hyper)
        corrected = rate * adam_correction(h) if kernel.reads_iteration else rate
        values = numpy.array(
            [float(scale), 0, 0, h.momentum, h.momentum2, h.delta, h.rms_decay], numpy.float64
        )
        for slot in slots:
            at = self._addresses(slot.data, slot.diff, *slot.history)
            if at is None:
                super().update(rule, [slot], rate, scale, weight_decay, l1, **hyper)
                continue
            values[1] = weight_decay * slot.decay_mult
            values[2] = corrected * slot.lr_mult
            self._functions(slot.data.size).update(
                _NUMBERS[kernel], l1, slot.data.size, *at[:3], at[-1], values.ctypes.data
            )

    def sum_squares(self, arrays: Sequence[Any]) -> Any:
        total = 0.0
        for a in arrays:
            at = self._addresses(a)
            if at is None:
                total += float(super().sum_squares([a]))
                continue
            c = self._functions(a.size)
            scratch = self.arena.address(c.sum_squares_scratch(a.size))
            total += c.sum_squares(a.size, at[0], scratch)
        return numpy.array(total, self.dtype)


def adam_correction(hyper: Hyper) -> float:
    """The factor on Adam's rate, computed once for all blobs; C takes the rate times it."""
    t = hyper.iteration + 1
    factor: float = (1 - hyper.momentum2**t) ** 0.5 / (1 - hyper.momentum**t)
    return factor
