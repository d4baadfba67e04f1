"""Addition of a bias along some axes."""

from caffe_lite.backend import operations
from caffe_lite.backend.operations import Operation
from caffe_lite.blob import Blob
from caffe_lite.layers._affine import Affine
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Bias")
class Bias(Affine):
    """Sum with a bias that is repeated over the other axes: y = x + b.

    bottom[0]  x  any shape
    bottom[1]  b  the sizes of x from `axis` on, as many axes as it has; optional
    top[0]     y  the shape of x; may be bottom[0]
    blobs[0]   b  `num_axes` sizes of x from `axis` on (-1: all); absent with a second bottom

    Backward: dx = dy; db = sum of dy over the axes that b is repeated over. Kept from forward:
    nothing.

    Caffe: src/caffe/layers/bias_layer.cpp

    Example::

        layer { name: "bias" type: "Bias" bottom: "x" top: "y" bias_param { axis: 1 num_axes: 2 } }
    """

    keeps_layout = True

    what = "bias"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        param = self.param.bias_param
        if len(bottom) == 1 and not self.blobs:
            self.add_blob(self.coefficient_shape(bottom[0].shape, param), param.filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._view = self.view_for(self._bias(bottom), bottom[0].shape, self.param.bias_param.axis)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = self._as_views(bottom[0].data, top[0].data, self._view)
        self.xp.add(x, self._bias(bottom).data.reshape(-1, 1), out=y)

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        if len(bottom) > 1 or not self.per_channel(bottom[0].shape, self.blobs[0]):
            return None
        return operations.Affine(None, self.blobs[0].data.reshape(-1))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        learned = len(bottom) == 1
        if self.needs_param_diff(0) if learned else propagate_down[1]:
            dbias = self._bias(bottom).diff.reshape(-1)
            if not learned:
                dbias[...] = 0
            self.ops.sum_bias(top[0].diff.reshape(self._view), dbias)
        if propagate_down[0] and top[0] is not bottom[0]:
            bottom[0].diff[...] = top[0].diff

    def _bias(self, bottom: Blobs) -> Blob:
        return bottom[1] if len(bottom) > 1 else self.blobs[0]
