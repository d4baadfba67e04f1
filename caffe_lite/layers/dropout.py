"""Dropout: random zeros while training."""

from caffe_lite.backend.operations import Operation, Same
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Dropout")
class Dropout(Layer):
    """TRAIN: y = x * mask, mask = 1 / (1 - ratio) with probability 1 - ratio, else 0. TEST: y = x.

    bottom[0]  x  any shape
    top[0]     y  shape of x; may be the bottom

    Backward: dx = dy * mask in TRAIN, dy in TEST. Kept from forward: the mask.

    dropout_ratio is at least 0 and below 1. Srivastava et al., JMLR 2014.

    Caffe: src/caffe/layers/dropout_layer.cpp

    Example::

        layer { name: "drop" type: "Dropout" bottom: "data" top: "drop"
                dropout_param { dropout_ratio: 0.4 } }
    """

    keeps_layout = True
    in_place = True

    @property
    def keeps_signs(self) -> bool:
        return True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._ratio = self.param.dropout_param.dropout_ratio
        if not 0 <= self._ratio < 1:
            raise self.fail(f"dropout_ratio must be at least 0 and below 1, got {self._ratio:g}")
        self._active = self.train and self._ratio > 0
        if self._active:
            self._noise = self.stream  # made now, so that get_state has it from the start

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        top[0].reshape(*bottom[0].shape)
        if self._active:
            self._mask = self.ops.empty(bottom[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self._active:
            self.ops.dropout(bottom[0].data, top[0].data, self._mask, self._ratio, self._noise)
        elif top[0] is not bottom[0]:
            top[0].data[...] = bottom[0].data

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        return None if self._active else Same()

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        if self._active:
            self.xp.multiply(top[0].diff, self._mask, out=bottom[0].diff)
        elif top[0] is not bottom[0]:
            bottom[0].diff[...] = top[0].diff
