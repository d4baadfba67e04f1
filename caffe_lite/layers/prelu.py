"""Rectifier with a learned slope."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema


@register("PReLU")
class PReLU(Layer):
    """Rectifier with a learned slope: y = max(x, 0) + a * min(x, 0), a per channel or shared.

    He et al., Delving Deep into Rectifiers, ICCV 2015.

    bottom[0]  x  (N, C, ...)   at least 2 axes
    top[0]     y  (N, C, ...)   may be the bottom
    blobs[0]   a  (C,)          () with channel_shared: true; starts at 0.25 without a filler

    Caffe: src/caffe/layers/prelu_layer.cpp

    Example::

        layer { name: "prelu" type: "PReLU" bottom: "x" top: "y"
                prelu_param { filler { type: "constant" value: 0.1 } } }
    """

    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.require_elements(bottom)
        self._check_axes(bottom[0])
        param = self.param.prelu_param
        self._shared = param.channel_shared
        filler = param.filler if param.HasField("filler") else schema.FillerParameter(value=0.25)
        if not self.blobs:
            self.add_blob(() if self._shared else (bottom[0].shape[1],), filler)
        self._works_in_place = top[0] is bottom[0]
        self._x, self._work = Blob(self.ops), Blob(self.ops)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.require_elements(bottom)
        self._check_axes(bottom[0])
        channels = bottom[0].shape[1]
        if not self._shared and channels != self.blobs[0].count:
            raise self.fail(f"bottom[0] has {channels} channels, the learned slope has "
                            f"{self.blobs[0].count}")
        for blob in (top[0], self._x, self._work):
            blob.reshape(*bottom[0].shape)
        self._positive = self.ops.empty(bottom[0].shape, bool)
        # Axes are (outer, slope, inner) for the arithmetic; one slope for all is (1, 1, count).
        self._view = (1, 1, -1) if self._shared else (
            bottom[0].shape[0], channels, prod(bottom[0].shape[2:]))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        xp, work = self.xp, self._work.data
        x, y = bottom[0].data, top[0].data
        if self._works_in_place:
            self._x.data[...] = x
        xp.minimum(x, 0, out=work)
        self._times_slope(work)
        xp.maximum(x, 0, out=y)
        y += work

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool],
                 bottom: Sequence[Blob]) -> None:
        xp, work = self.xp, self._work.data
        x = self._x.data if self._works_in_place else bottom[0].data
        dy = top[0].diff
        if self.needs_param_diff(0):
            xp.minimum(x, 0, out=work)
            work *= dy
            self.ops.sum_bias(work.reshape(self._view), self.blobs[0].diff.reshape(-1))
        if propagate_down[0]:
            # a where x <= 0, else 1. Products beat a choice by mask.
            xp.less_equal(x, 0, out=work)
            self._times_slope(work)
            work += xp.greater(x, 0, out=self._positive)
            xp.multiply(dy, work, out=bottom[0].diff)

    def _times_slope(self, array: Any) -> None:
        view = array.reshape(self._view)
        view *= self.blobs[0].data.reshape(-1, 1)

    def _check_axes(self, blob: Blob) -> None:
        if len(blob.shape) < 2:
            raise self.fail(f"bottom[0] needs at least 2 axes (N, C, ...), got shape {blob.shape}")
