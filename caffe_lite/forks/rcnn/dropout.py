"""Dropout whose values are scaled while testing instead of training."""

from caffe_lite.layers.dropout import Dropout
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Dropout", when=["dropout_param.scale_train"])
class UnscaledDropout(Dropout):
    """Dropout that can leave what it keeps as it is while training, and scale while testing.

    With `scale_train: false`, TRAIN: y = x * mask, mask = 1 with probability 1 - ratio, else 0;
    TEST: y = (1 - ratio) * x. With `scale_train: true` it is Caffe's Dropout.

    bottom[0]  x  any shape
    top[0]     y  shape of x; may be the bottom

    Source: daijifeng001/caffe-rfcn, alexgkendall/caffe-segnet, eric612/MobileNet-YOLO

    Example::

        layer { name: "drop" type: "Dropout" bottom: "data" top: "drop"
                dropout_param { dropout_ratio: 0.4 scale_train: false } }
    """

    type = "Dropout"
    reads = ("dropout_param",)
    extensions = ("dropout_param.scale_train",)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._unscaled = not self.param.dropout_param.scale_train
        if self._active and self._unscaled:
            self._scaled = self.ops.empty(bottom[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].data, top[0].data
        if not self._unscaled:
            super().forward(bottom, top)
        elif self._active:
            self.ops.dropout(x, self._scaled, self._mask, self._ratio, self._noise)
            self.xp.sign(self._mask, out=self._mask)
            self.xp.multiply(x, self._mask, out=y)
        else:
            self.xp.multiply(x, 1 if self.train else 1 - self._ratio, out=y)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if self._active or not self._unscaled:
            super().backward(top, propagate_down, bottom)
        elif propagate_down[0]:
            scale = 1 if self.train else 1 - self._ratio
            self.xp.multiply(top[0].diff, scale, out=bottom[0].diff)
