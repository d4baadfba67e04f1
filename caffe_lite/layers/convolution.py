"""Convolution over any number of spatial axes."""

from math import prod

from caffe_lite.backend.operations import Convolve, Operation
from caffe_lite.layers._conv import ConvolutionBase
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("Convolution")
class Convolution(ConvolutionBase):
    """Convolution (a correlation: the kernel is not flipped) over the axes after the channels.

        y[o, p] = b[o] + sum over channels c of o's group and taps t of
                  W[o, c, t] x[c, p * stride - pad + t * dilation]

    bottom[i]  x_i  (N, C, *S)        all of one shape; `axis` names the channels
    top[i]     y_i  (N, O, *S')       O = num_output; S' = (S + 2 pad - extent) / stride + 1,
                                      rounded down, with extent = dilation * (kernel - 1) + 1
    blobs[0]   W    (O, C / group, *kernel)
    blobs[1]   b    (O,)              absent with bias_term: false

    Backward: dx[c, q] = sum over o and t of W[o, c, t] dy[o, p] with p * stride - pad + t *
    dilation = q; dW[o, c, t] += sum over items and p of dy[o, p] x[c, p * stride - pad + t *
    dilation]; db[o] += sum of dy[o]. Kept from forward: nothing; x is read from the bottom.

    kernel_size, stride, pad and dilation are given once, or once per spatial axis; for two axes
    also as kernel_h and kernel_w, and so on. `engine` and `force_nd_im2col` are hints without
    effect.

    Differences from Caffe: a kernel beyond the padded bottom is refused; Caffe rounds S' towards
    zero, and so makes one output there where less than a stride is missing.

    Caffe: src/caffe/layers/base_conv_layer.cpp, conv_layer.cpp

    Example::

        layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
                convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1
                                    weight_filler { type: "xavier" } } }
    """

    def convolve(self, x: Array, weight: Array, bias: Array | None, y: Array) -> None:
        self.ops.convolution(x, weight, bias, y, self._geometry)

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        if len(bottom) != 1:
            return None
        weight = self.blobs[0].data.reshape(self._weight_shape)
        bias = self.blobs[1].data.reshape(-1) if self.bias_term else None
        return Convolve(weight, bias, self._geometry, self._x_shape, self._y_shape)

    def multiply_adds(self, bottom: Blobs, top: Blobs) -> int:
        """Each output takes one weight row."""
        return sum(blob.count for blob in top) * prod(self.blobs[0].shape[1:])

    @property
    def takes_rectifier(self) -> bool:
        return self.bias_term and type(self) is Convolution  # a subclass may do more

    def forward_rectified(self, bottom: Blobs, top: Blobs, slope: float) -> None:
        """`forward` with a bias and one top, then the in-place ReLU that follows it."""
        self.ops.convolution_relu(
            bottom[0].data.reshape(self._x_shape),
            self.blobs[0].data.reshape(self._weight_shape),
            self.blobs[1].data,
            top[0].data.reshape(self._y_shape),
            self._geometry,
            slope,
        )

    def grad_data(self, dy: Array, weight: Array, dx: Array) -> None:
        self.ops.convolution_grad_data(dy, weight, dx, self._geometry)

    def grad_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        self.ops.convolution_grad_weight(x, dy, dweight, self._geometry)
