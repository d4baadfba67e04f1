"""Reference operations computed slice by slice, so that their temporaries fit the cache."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from caffe_lite.backend.cpu.base import CpuBase
from caffe_lite.backend.reference.activations import ReferenceActivations
from caffe_lite.backend.reference.losses import ReferenceLosses, class_index
from caffe_lite.backend.reference.normalization import ReferenceNormalization
from caffe_lite.backend.reference.recurrent import ReferenceRecurrent
from caffe_lite.backend.reference.updates import ReferenceUpdates
from caffe_lite.backend.rules import UpdateRule
from caffe_lite.backend.slots import UpdateSlot
from caffe_lite.types import Array

SLICE = 32_768  # elements


class CpuSliced(
    CpuBase,
    ReferenceActivations,
    ReferenceNormalization,
    ReferenceRecurrent,
    ReferenceLosses,
    ReferenceUpdates,
):
    """The reference implementation on slices of the leading axis, divided among threads."""

    def _slices(self, operation: Callable[..., None], arrays: Sequence[Any], *rest: Any) -> None:
        """Call operation(*arrays, *rest) for slices of all arrays along axis 0; None is kept."""
        rows, size = len(arrays[0]), arrays[0].size
        step = max(1, SLICE * rows // max(1, size))

        def part(begin: int, end: int) -> None:
            for first in range(begin, end, step):
                some = slice(first, min(first + step, end))
                operation(*(a if a is None else a[some] for a in arrays), *rest)

        self._in_parts(part, rows, size)

    def relu(self, x: Array, y: Array, slope: float = 0.0) -> None:
        self._slices(super().relu, [x.reshape(-1), y.reshape(-1)], slope)

    def relu_grad(self, x: Array, dy: Array, dx: Array, slope: float = 0.0) -> None:
        flat = [a.reshape(-1) for a in (x, dy, dx)]
        self._slices(super().relu_grad, flat, slope)

    def bias_relu(self, y: Array, bias: Array, slope: float = 0.0) -> None:
        self._slices(super().bias_relu, [y], bias, slope)

    def prelu(self, x: Array, slope: Array, y: Array) -> None:
        whole = super().prelu
        self._slices(lambda x, y: whole(x, slope, y), [x, y])

    def prelu_grad(self, x: Array, slope: Array, dy: Array, dx: Array) -> None:
        whole = super().prelu_grad
        self._slices(lambda x, dy, dx: whole(x, slope, dy, dx), [x, dy, dx])

    def lrn_across(
        self, x: Array, y: Array, scale: Array, size: int, alpha: float, beta: float, k: float
    ) -> None:
        self._slices(super().lrn_across, [x, y, scale], size, alpha, beta, k)

    def lrn_across_grad(
        self,
        x: Array,
        y: Array,
        scale: Array,
        dy: Array,
        dx: Array,
        size: int,
        alpha: float,
        beta: float,
    ) -> None:
        self._slices(super().lrn_across_grad, [x, y, scale, dy, dx], size, alpha, beta)

    def lstm_unit(
        self,
        gates: Array,
        c_prev: Array,
        cont: Array | None,
        c: Array,
        h: Array,
        cont_next: Array | None = None,
        h_cont: Array | None = None,
    ) -> None:
        self._slices(super().lstm_unit, [gates, c_prev, cont, c, h, cont_next, h_cont])

    def lstm_unit_grad(
        self,
        gates: Array,
        c_prev: Array,
        cont: Array | None,
        c: Array,
        dc: Array,
        dh: Array,
        dgates: Array,
        dc_prev: Array,
        dh_next: Array | None = None,
        cont_next: Array | None = None,
    ) -> None:
        arrays = [gates, c_prev, cont, c, dc, dh, dgates, dc_prev, dh_next, cont_next]
        self._slices(super().lstm_unit_grad, arrays)

    def softmax(self, x: Array, y: Array) -> None:
        self._slices(super().softmax, [x, y])

    def softmax_grad(self, y: Array, dy: Array, dx: Array) -> None:
        self._slices(super().softmax_grad, [y, dy, dx])

    def softmax_loss_grad(
        self, prob: Array, label: Array, ignore: int | None, scale: float | Array, dx: Array
    ) -> None:
        def part(prob: Array, label: Array, dx: Array) -> None:
            numpy.multiply(prob, scale, out=dx)
            index, counted = class_index(numpy, prob, label, ignore)
            place = index[:, None]
            picked = numpy.take_along_axis(prob, place, axis=1)
            numpy.put_along_axis(dx, place, (picked - 1) * self.dtype.type(scale), axis=1)
            if ignore is not None:
                numpy.copyto(dx, 0, where=~counted[:, None])

        self._slices(part, [prob, label, dx])

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
        whole = super().update
        if rule.kernel is None:  # it may need the blob whole, for a norm or a mean
            whole(rule, slots, rate, scale, weight_decay, l1, **hyper)
            return

        def step(slot: UpdateSlot, data: Array, diff: Array, *history: Array) -> None:
            part = UpdateSlot(data, diff, list(history), slot.lr_mult, slot.decay_mult)
            whole(rule, [part], rate, scale, weight_decay, l1, **hyper)

        for slot in slots:
            arrays = (slot.data, slot.diff, *slot.history)
            if all(a.flags.c_contiguous for a in arrays):
                flat = [a.reshape(-1) for a in arrays]
                self._slices(lambda *some, slot=slot: step(slot, *some), flat)
            else:
                whole(rule, [slot], rate, scale, weight_decay, l1, **hyper)
