"""Normalization of each item by itself."""

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("MVN")
class MVN(Layer):
    """Each image plane brought to mean 0 and variance 1: y = (x - mean) / (sqrt(var) + eps).

    mean and var are taken over H x W, or with `across_channels` over C x H x W. With
    `normalize_variance: false` y = x - mean.

    bottom[0]  x  (N, C, H, W)  fewer axes count as having 1 for the missing ones
    top[0]     y  (N, C, H, W)  always 4 axes

    Backward: dx = (dy - mean(dy) - y * mean(dy * y)) / (sqrt(var) + eps). It takes sqrt(var) + eps
    for sqrt(var), as Caffe does, and is off by a relative error of about eps / sqrt(var). Without
    normalize_variance dx = dy - mean(dy). Kept from forward: sqrt(var) + eps; y is read from the
    top.

    Caffe: src/caffe/layers/mvn_layer.cpp

    Example::

        layer { name: "mvn" type: "MVN" bottom: "x" top: "y" mvn_param { across_channels: true } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.mvn_param
        self._scales, self._eps = param.normalize_variance, param.eps
        self._work, self._mean, self._std = (Blob(self.ops) for _ in range(3))

    def top_data_in_backward(self, in_place: bool) -> str:
        return "values" if self._scales else ""

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        x = bottom[0]
        if len(x.shape) > 4:
            raise self.fail(f"bottom[0] can have at most 4 axes (N, C, H, W), got {x.shape}")
        top[0].reshape(x.num, x.channels, x.height, x.width)
        rows = x.num if self.param.mvn_param.across_channels else x.num * x.channels
        self._work.reshape(rows, x.count // rows)
        for blob in (self._mean, self._std):
            blob.reshape(rows, 1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, work, mean, std = self.xp, self._work.data, self._mean.data, self._std.data
        x, y = bottom[0].data.reshape(work.shape), top[0].data.reshape(work.shape)
        xp.mean(x, axis=1, keepdims=True, out=mean)
        xp.subtract(x, mean, out=y)
        if self._scales:
            xp.multiply(y, y, out=work)
            xp.mean(work, axis=1, keepdims=True, out=std)
            xp.sqrt(std, out=std)
            std += self._eps
            y /= std

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        xp, work, mean = self.xp, self._work.data, self._mean.data
        dy, dx = top[0].diff.reshape(work.shape), bottom[0].diff.reshape(work.shape)
        if not self._scales:
            xp.mean(dy, axis=1, keepdims=True, out=mean)
            xp.subtract(dy, mean, out=dx)
            return
        y = top[0].data.reshape(work.shape)
        xp.multiply(dy, y, out=work)
        xp.mean(work, axis=1, keepdims=True, out=mean)
        xp.multiply(y, mean, out=work)
        xp.mean(dy, axis=1, keepdims=True, out=mean)
        xp.subtract(dy, mean, out=dx)
        dx -= work
        dx /= self._std.data
