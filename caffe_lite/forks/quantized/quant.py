"""Quant: activations of a few levels, with the gradient of a smooth function."""

import math

from caffe_lite.layers._neuron import Neuron
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs

_FORWARD = ("hwgq", "sign", "hard_tanh", "relu")
_BACKWARD = ("relu", "hard_tanh")


@register("Quant")
class Quant(Neuron):
    """An activation of a few levels, whose gradient is that of another function.

    `forward_func`:

        hwgq       0 or -negative_slope for x <= 0, else the nearest of `centers`, all above 0 and
                   rising; of two as near, the lower one
        sign       1 for x >= 0, else -1
        hard_tanh  x, cut to [-1, 1]
        relu       max(x, 0) + negative_slope min(x, 0)

    `backward_func`, with c = `clip_thr`, none if it is 0:

        relu       1 for 0 < x <= c, negative_slope for x <= 0, else 0
        hard_tanh  1 for -c <= x <= c, else 0

    Cai et al., Deep Learning with Low Precision by Half-wave Gaussian Quantization, CVPR 2017.

    bottom[0]  x  any shape
    top[0]     y  the shape of x; may be the bottom

    Source: zhaoweicai/hwgq

    Example::

        layer { name: "quant" type: "Quant" bottom: "x" top: "y"
                quant_param { centers: 0.538 centers: 1.076 centers: 1.614 clip_thr: 1.614 } }
    """

    keeps_layout = True
    reads_x = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        param = self.param.quant_param
        for field, known in (("forward_func", _FORWARD), ("backward_func", _BACKWARD)):
            if getattr(param, field) not in known:
                raise self.fail(
                    f"{field} must be one of {', '.join(known)}, got {getattr(param, field)}"
                )
        self._centers = list(param.centers)
        rising = zip([0.0, *self._centers], self._centers, strict=False)
        if param.forward_func == "hwgq" and (
            not self._centers or any(high <= low for low, high in rising)
        ):
            raise self.fail(f"needs centers above 0, each above the last, got {self._centers}")
        self._slope_below = param.negative_slope
        self._limit = param.clip_thr if param.clip_thr > 0 else math.inf

    def function(self, x: Array, y: Array) -> None:
        xp, kind = self.xp, self.param.quant_param.forward_func
        if kind == "sign":
            y[...] = xp.where(x >= 0, 1, -1)
        elif kind == "hard_tanh":
            xp.clip(x, -1, 1, out=y)
        elif kind == "relu":
            y[...] = xp.where(x > 0, x, self._slope_below * x)
        else:
            levels = xp.full(x.shape, -self._slope_below, x.dtype)
            below = -self._slope_below
            thresholds = [0.0]
            thresholds += [
                (a + b) / 2 for a, b in zip(self._centers, self._centers[1:], strict=False)
            ]
            for threshold, center in zip(thresholds, self._centers, strict=True):
                levels += (x > threshold) * (center - below)
                below = center
            y[...] = levels

    def derivative(self, x: Array, y: Array, slope: Array) -> None:
        xp = self.xp
        if self.param.quant_param.backward_func == "hard_tanh":
            slope[...] = xp.abs(x) <= self._limit
        else:
            slope[...] = xp.where(x > 0, x <= self._limit, self._slope_below)
