"""Normalization of each channel over the batch."""

from math import prod

from caffe_lite.backend.operations import Affine, Operation
from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("BatchNorm")
class BatchNorm(Layer):
    """Each channel brought to mean 0 and variance 1: y = (x - mean) / sqrt(var + eps).

    mean and var are those of the batch in the TRAIN phase, and running averages of them in the
    TEST phase; `use_global_stats` says so outright. Scale and Bias layers learn the affine part.
    Ioffe and Szegedy, Batch Normalization, ICML 2015.

    bottom[0]  x       (N, C, ...)  or (N,), which is one channel
    top[0]     y       the shape of x; may be the bottom
    blobs[0]   mean    (C,)         sum of batch means, each older one times the fraction once more
    blobs[1]   var     (C,)         the same of the batch variances times m / (m - 1), m = count / C
    blobs[2]   weight  (1,)         what both sums are to be divided by

    Backward: with the batch's statistics, x^ = y: dx = (dy - mean(dy) - x^ * mean(dy * x^)) /
    sqrt(var + eps), means over the channel; with given averages dx = dy / sqrt(var + eps). Kept
    from forward: x^ and sqrt(var + eps).

    With f = moving_average_fraction a batch makes of each sum S: S = f * S + value, of the weight
    f * weight + 1. The blobs have no gradient: their lr_mult is 0.

    Caffe: src/caffe/layers/batch_norm_layer.cpp

    Example::

        layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y"
                batch_norm_param { moving_average_fraction: 0.9 eps: 0.001 } }
    """

    keeps_layout = True
    in_place = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.batch_norm_param
        self._fraction, self._eps = param.moving_average_fraction, param.eps
        self._global = not self.train
        if param.HasField("use_global_stats"):
            self._global = param.use_global_stats
        if not self.blobs:
            channels = self._channels(bottom[0])
            for shape in ((channels,), (channels,), (1,)):
                self.add_blob(shape)
        self._fix_learning_rates()
        self._normalized = Blob(self.ops)
        self._mean, self._std = Blob(self.ops), Blob(self.ops)

    def _fix_learning_rates(self) -> None:
        """The solver must not change the statistics: their learning rate is 0."""
        specs = self.param.param
        for i in range(3):
            if i == len(specs):
                specs.add(lr_mult=0)
            elif specs[i].lr_mult != 0:
                raise self.fail(
                    f"its statistics are not learned: param {i} must have lr_mult: 0, "
                    f"got {specs[i].lr_mult:g}"
                )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, channels = bottom[0].shape, self._channels(bottom[0])
        if channels != self.blobs[0].count:
            raise self.fail(
                f"bottom[0] has {channels} channels, the statistics have {self.blobs[0].count}"
            )
        top[0].reshape(*shape)
        self._view = (shape[0], channels, prod(shape[2:]))
        self._normalized.reshape(*self._view)
        for blob in (self._mean, self._std):
            blob.reshape(channels)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        ops, xp = self.ops, self.xp
        x, y = bottom[0].data.reshape(self._view), top[0].data.reshape(self._view)
        mean, std = self._mean.data, self._std.data
        if self._global:
            self._read_statistics(mean, std)
        else:
            ops.batch_norm_stats(x, mean, std)
            self._update_statistics(mean, std)
        std += self._eps
        xp.sqrt(std, out=std)
        if self._global:
            ops.batch_norm_apply(x, mean, std, y)
        else:
            # Kept apart from the top, which a later layer may change in place.
            ops.batch_norm_apply(x, mean, std, self._normalized.data)
            y[...] = self._normalized.data

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        if not self._global or len(bottom[0].shape) < 2:
            return None
        mean, std = self.ops.empty((self.blobs[0].count,)), self.ops.empty((self.blobs[0].count,))
        self._read_statistics(mean, std)
        scale = 1 / self.xp.sqrt(std + self._eps)
        return Affine(scale, -mean * scale)

    def _read_statistics(self, mean: Array, var: Array) -> None:
        xp, weight = self.xp, self.blobs[2].data
        factor = xp.where(weight == 0, 0, 1 / xp.where(weight == 0, 1, weight))
        xp.multiply(self.blobs[0].data, factor, out=mean)
        xp.multiply(self.blobs[1].data, factor, out=var)

    def _update_statistics(self, mean: Array, var: Array) -> None:
        outer, _, inner = self._view
        m = outer * inner
        unbiased = m / (m - 1) if m > 1 else 1.0
        for blob, value in zip(self.blobs, (mean, unbiased * var, 1), strict=True):
            total = blob.data
            total *= self._fraction
            total += value

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dy, dx = self._as_views(top[0].diff, bottom[0].diff, self._view)
        if self._global:
            self.xp.divide(dy, self._std.data.reshape(-1, 1), out=dx)
        else:
            self.ops.batch_norm_grad(self._normalized.data, self._std.data, dy, dx)

    def _channels(self, blob: Blob) -> int:
        if not blob.shape:
            raise self.fail("bottom[0] needs at least one axis, got a scalar")
        return blob.shape[1] if len(blob.shape) > 1 else 1
