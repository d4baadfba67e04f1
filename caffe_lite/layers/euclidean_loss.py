"""EuclideanLoss: half the mean squared distance."""

from math import prod

from caffe_lite.layers._loss import LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("EuclideanLoss")
class EuclideanLoss(LossLayer):
    """Half the squared distance per item: loss = sum (x - t)^2 / (2 N).

    bottom[0]  x     (N, ...)
    bottom[1]  t     (N, ...)  as many elements as x; takes a gradient too
    top[0]     loss  ()

    Backward: dx = dloss * (x - t) / N, dt = -dx. Kept from forward: x - t.

    Caffe: src/caffe/layers/euclidean_loss_layer.cpp

    Example::

        layer { name: "loss" type: "EuclideanLoss" bottom: "data" bottom: "target" top: "loss" }
    """

    no_gradient = ()

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        x, t = bottom[0].shape, bottom[1].shape
        if prod(x[1:]) != prod(t[1:]):
            raise self.fail_shape(
                1,
                x,
                f"both bottoms must have the same number of elements per item, got "
                f"shapes {x} and {t}",
            )
        self._difference = self.ops.empty(x)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data
        self.xp.subtract(x, bottom[1].data.reshape(x.shape), out=self._difference)
        flat = self._difference.reshape(-1)
        top[0].data[...] = self.xp.dot(flat, flat) / (2 * len(x))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        for i, sign in enumerate((1, -1)):
            if propagate_down[i]:
                scale = top[0].diff * (sign / bottom[i].shape[0])
                dx = bottom[i].diff.reshape(self._difference.shape)
                self.xp.multiply(self._difference, scale, out=dx)
