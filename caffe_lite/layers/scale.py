"""Product with a factor along some axes."""

from caffe_lite.backend import operations
from caffe_lite.backend.operations import Operation
from caffe_lite.blob import Blob
from caffe_lite.layers._affine import Affine
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Blobs, Flags


@register("Scale")
class Scale(Affine):
    """Product with a factor that is repeated over the other axes: y = x * a, or x * a + b.

    bottom[0]  x  any shape
    bottom[1]  a  the sizes of x from `axis` on, as many axes as it has; optional
    top[0]     y  the shape of x; may be bottom[0]
    blobs[0]   a  `num_axes` sizes of x from `axis` on (-1: all), 1 without a filler; absent with a
                  second bottom
    last blob  b  the shape of a; with bias_term: true

    Backward: dx = a * dy; da = sum of x * dy, and db = sum of dy, over the axes that a is repeated
    over. Kept from forward: nothing; a copy of x in place.

    Differences from Caffe: the gradient of a learned a is accumulated. Caffe overwrites it if a is
    as large as x, or if only axes of size 1 come before a's, so with `iter_size` > 1 only the last
    batch counts there. A bottom's diff that is not computed is left alone; Caffe uses it as
    workspace.

    Caffe: src/caffe/layers/scale_layer.cpp

    Example::

        layer { name: "scale" type: "Scale" bottom: "x" top: "y"
                scale_param { axis: 1 bias_term: true bias_filler { value: 0.5 } } }
    """

    keeps_layout = True

    what = "scale"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        param = self.param.scale_param
        learned = len(bottom) == 1
        if not self.blobs:
            shape = (
                bottom[1].shape if not learned else (self.coefficient_shape(bottom[0].shape, param))
            )
            if learned:
                one = schema.FillerParameter(value=1)
                self.add_blob(shape, param.filler if param.HasField("filler") else one)
            if param.bias_term:
                self.add_blob(shape, param.bias_filler)
        self._bias = self.blobs[-1] if param.bias_term else None
        self._works_in_place = top[0] is bottom[0]
        self._x, self._work = Blob(self.ops), Blob(self.ops)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        axis, shape = self.param.scale_param.axis, bottom[0].shape
        self._view = self.view_for(self._scale(bottom), shape, axis)
        if self._bias is not None:
            self.view_for(self._bias, shape, axis)
        for blob in (self._x, self._work):
            blob.reshape(*self._view)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = self._as_views(bottom[0].data, top[0].data, self._view)
        if self._works_in_place:
            self._x.data[...] = x
        self.xp.multiply(x, self._scale(bottom).data.reshape(-1, 1), out=y)
        if self._bias is not None:
            self.ops.add_bias(y, self._bias.data.reshape(-1))

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        if len(bottom) > 1 or not self.per_channel(bottom[0].shape, self.blobs[0]):
            return None
        bias = None if self._bias is None else self._bias.data.reshape(-1)
        return operations.Affine(self.blobs[0].data.reshape(-1), bias)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        learned = len(bottom) == 1
        scale, dy = self._scale(bottom), top[0].diff.reshape(self._view)
        if self._bias is not None and self.needs_param_diff(len(self.blobs) - 1):
            self.ops.sum_bias(dy, self._bias.diff.reshape(-1))
        if self.needs_param_diff(0) if learned else propagate_down[1]:
            x = self._x.data if self._works_in_place else bottom[0].data.reshape(self._view)
            # The bottom's diff is written last, so until then it can hold the products.
            free = propagate_down[0] and not self._works_in_place
            product = bottom[0].diff.reshape(self._view) if free else self._work.data
            self.xp.multiply(dy, x, out=product)
            dscale = scale.diff.reshape(-1)
            if not learned:
                dscale[...] = 0
            self.ops.sum_bias(product, dscale)
        if propagate_down[0]:
            dy, dx = self._as_views(top[0].diff, bottom[0].diff, self._view)
            self.xp.multiply(dy, scale.data.reshape(-1, 1), out=dx)

    def _scale(self, bottom: Blobs) -> Blob:
        return bottom[1] if len(bottom) > 1 else self.blobs[0]
