"""Convolution over one or two spatial axes in C; `NumpyOps` computes the others."""

from typing import Any

import numpy

from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.geometry import ConvGeometry
from caffe_lite.backend.native.base import NativeBase
from caffe_lite.types import Array, Shape


class _Plan:
    """The C struct convolution_plan, and the scratch size of each function in elements."""

    def __init__(self, x: Shape, y: Shape, g: ConvGeometry, c: Any) -> None:
        flat = len(g.kernel) == 1  # an image of one row
        kernel, dilation = ((1,) * flat + part for part in (g.kernel, g.dilation))
        stride, pad = (1,) * flat + g.stride, (0,) * flat + g.pad
        size, out = (1,) * flat + x[2:], (1,) * flat + y[2:]
        self.sizes = numpy.array(
            [*x[:2], *size, y[1], *out, *kernel, *stride, *pad, *dilation, g.group], numpy.int64
        )
        self.address = self.sizes.ctypes.data
        self.forward = c.convolution_scratch(self.address)
        self.grad_data = c.convolution_grad_data_scratch(self.address)
        self.grad_weight = c.convolution_grad_weight_scratch(self.address)
        self.work = int(y[0] * numpy.prod(y[1:]) * x[1] // g.group * g.taps) // 8


class NativeConvolution(NativeBase, NumpyOps):
    """See `ReferenceConvolution`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._plans: dict[Any, _Plan | None] = {}

    def _plan(self, x: Array, y: Array, weight: Array, geometry: ConvGeometry) -> _Plan | None:
        key = (x.shape, y.shape, weight.shape, geometry)
        try:
            return self._plans[key]
        except KeyError:
            pass
        fits = (
            weight.shape == (y.shape[1], x.shape[1] // geometry.group, *geometry.kernel)
            and y.shape[2:] == geometry.output(x.shape[2:])
            and x.shape[1] % geometry.group == 0
            and y.shape[1] % geometry.group == 0
        )
        plan = None
        if fits and len(geometry.kernel) in (1, 2):
            plan = _Plan(x.shape, y.shape, geometry, self.library.with_gil)
            if not plan.forward:  # the C functions do not support the stride
                plan = None
        self._plans[key] = plan
        return plan

    def convolution(
        self, x: Array, weight: Array, bias: Array | None, y: Array, geometry: ConvGeometry
    ) -> None:
        plan = self._plan(x, y, weight, geometry)
        arrays = (x, weight, y) if bias is None else (x, weight, y, bias)
        at = self._addresses(*arrays)
        if plan is None or at is None:
            return super().convolution(x, weight, bias, y, geometry)
        self._functions(plan.work).convolution(
            plan.address,
            at[0],
            at[1],
            None if bias is None else at[3],
            at[2],
            self._scratch(plan.forward),
        )

    def convolution_grad_data(
        self, dy: Array, weight: Array, dx: Array, geometry: ConvGeometry
    ) -> None:
        plan = self._plan(dx, dy, weight, geometry)
        at = self._addresses(dy, weight, dx)
        if plan is None or at is None or not plan.grad_data:
            return super().convolution_grad_data(dy, weight, dx, geometry)
        scratch = self._scratch(plan.grad_data)
        self._functions(plan.work).convolution_grad_data(plan.address, *at, scratch)

    def convolution_grad_weight(
        self, x: Array, dy: Array, dweight: Array, geometry: ConvGeometry
    ) -> None:
        plan = self._plan(x, dy, dweight, geometry)
        at = self._addresses(x, dy, dweight)
        if plan is None or at is None:
            return super().convolution_grad_weight(x, dy, dweight, geometry)
        scratch = self._scratch(plan.grad_weight)
        self._functions(plan.work).convolution_grad_weight(plan.address, *at, scratch)
