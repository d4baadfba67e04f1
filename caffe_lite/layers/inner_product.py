"""InnerProduct: a fully connected layer."""

from math import prod

from caffe_lite.backend.operations import Operation, Product
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("InnerProduct")
class InnerProduct(Layer):
    """Fully connected: y = x W^T + b over the axes from `axis` on, taken as one of length K.

    bottom[0]  x  (d0, ..., K axes)
    top[0]     y  (d0, ..., N)  the axes before `axis`, then N = num_output
    blobs[0]   W  (N, K)        (K, N) with transpose: true
    blobs[1]   b  (N,)          absent with bias_term: false

    Backward: dx = dy W, dW += dy^T x, db += sum of the rows of dy. Kept from forward: nothing; x is
    read from the bottom.

    Caffe: src/caffe/layers/inner_product_layer.cpp

    Example::

        layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc"
                inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.inner_product_param
        self._num_output = param.num_output
        self.bias_term, self._transpose = param.bias_term, param.transpose
        if self._num_output < 1:
            raise self.fail(f"num_output must be at least 1, got {self._num_output}")
        self.require_elements(bottom)
        axis = self.canonical_axis(param.axis, len(bottom[0].shape))
        self._num_input = prod(bottom[0].shape[axis:])
        if self.blobs:
            return
        shape = (self._num_output, self._num_input)
        self.add_blob(shape[::-1] if self._transpose else shape, param.weight_filler)
        if self.bias_term:
            self.add_blob((self._num_output,), param.bias_filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        axis = self.canonical_axis(self.param.inner_product_param.axis, len(shape))
        if prod(shape[axis:]) != self._num_input:
            raise self.fail(
                f"the weights take {self._num_input} inputs (axes from {axis} on), the "
                f"bottom of shape {shape} has {prod(shape[axis:])}"
            )
        top[0].reshape(*shape[:axis], self._num_output)
        self._rows = prod(shape[:axis])

    def weights(self) -> Array:
        """The weights that multiply the data."""
        return self.blobs[0].data

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        y = self._product(bottom, top)
        if self.bias_term:
            self.ops.add_bias(y, self.blobs[1].data)

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        bias = self.blobs[1].data if self.bias_term else None
        return Product(self.blobs[0].data, bias, self._rows, self._transpose)

    def multiply_adds(self, bottom: Blobs, top: Blobs) -> int:
        return top[0].count * self._num_input

    @property
    def takes_rectifier(self) -> bool:
        return self.bias_term and type(self) is InnerProduct  # a subclass may do more

    def forward_rectified(self, bottom: Blobs, top: Blobs, slope: float) -> None:
        """`forward` with a bias, then the in-place ReLU that follows it."""
        self.ops.bias_relu(self._product(bottom, top), self.blobs[1].data, slope)

    def _product(self, bottom: Blobs, top: Blobs) -> Array:
        x = bottom[0].data.reshape(self._rows, self._num_input)
        y = top[0].data.reshape(self._rows, self._num_output)
        self.ops.gemm(x, self.weights(), y, trans_b=not self._transpose)
        return y

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        dy = top[0].diff.reshape(self._rows, self._num_output)
        if self.needs_param_diff(0):
            x = bottom[0].data.reshape(self._rows, self._num_input)
            a, b = (x, dy) if self._transpose else (dy, x)
            self.ops.gemm(a, b, self.blobs[0].diff, trans_a=True, accumulate=True)
        if self.bias_term and self.needs_param_diff(1):
            self.ops.sum_bias(dy, self.blobs[1].diff)
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self._rows, self._num_input)
            self.ops.gemm(dy, self.weights(), dx, trans_b=self._transpose)
