"""SpatialDropout: random channels set to zero while training."""

from math import prod

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("SpatialDropout")
class SpatialDropout(Layer):
    """TRAIN: y = x * mask, one number of the mask for each item and channel. TEST: y = x.

    mask = 1 / (1 - ratio) with probability 1 - ratio, else 0. With `sample_weights_test` channels
    are dropped in the TEST phase as well. Tompson et al., CVPR 2015.

    bottom[0]  x  (N, C, ...)
    top[0]     y  the shape of x; may be the bottom

    dropout_ratio is at least 0 and below 1.

    Differences from caffe-enet: every item has a mask of its own; there, all items share one, and
    the CPU's code multiplies the wrong elements.

    Source: TimoSaemann/caffe-enet

    Example::

        layer { name: "drop" type: "SpatialDropout" bottom: "x" top: "y"
                spatial_dropout_param { dropout_ratio: 0.1 } }
    """

    keeps_layout = True
    in_place = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.spatial_dropout_param
        self._ratio = param.dropout_ratio
        if not 0 <= self._ratio < 1:
            raise self.fail(f"dropout_ratio must be at least 0 and below 1, got {self._ratio:g}")
        self._active = (self.train or param.sample_weights_test) and self._ratio > 0
        if self._active:
            self._noise = self.stream  # made now, so that get_state has it from the start

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        if len(shape) < 2:
            raise self.fail(f"needs a bottom of at least 2 axes (N, C, ...), got shape {shape}")
        top[0].reshape(*shape)
        self._view = (prod(shape[:2]), prod(shape[2:]))
        self._ones, self._mask = (
            self.ops.empty((self._view[0], 1)),
            self.ops.empty((self._view[0], 1)),
        )
        self._ones[...] = 1
        self._scaled = self.ops.empty((self._view[0], 1))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self._active:
            self.ops.dropout(self._ones, self._scaled, self._mask, self._ratio, self._noise)
            x, y = self._as_views(bottom[0].data, top[0].data, self._view)
            self.xp.multiply(x, self._mask, out=y)
        elif top[0] is not bottom[0]:
            top[0].data[...] = bottom[0].data

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        if self._active:
            dy, dx = self._as_views(top[0].diff, bottom[0].diff, self._view)
            self.xp.multiply(dy, self._mask, out=dx)
        elif top[0] is not bottom[0]:
            bottom[0].diff[...] = top[0].diff
