"""Deconvolution: convolution run backward, for learned upsampling."""

from math import prod

from caffe_lite.layers._conv import ConvolutionBase
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("Deconvolution")
class Deconvolution(ConvolutionBase):
    """Transposed convolution: each input pixel adds a weighted kernel to the output.

        y[o, p * stride - pad + t * dilation] += W[c, o, t] x[c, p];  y[o] += b[o]

    bottom[i]  x_i  (N, C, *S)   all of one shape; `axis` names the channels
    top[i]     y_i  (N, O, *S')  O = num_output; S' = stride * (S - 1) + extent - 2 pad, with
                                 extent = dilation * (kernel - 1) + 1
    blobs[0]   W    (C, O / group, *kernel)
    blobs[1]   b    (O,)         absent with bias_term: false

    Backward: dx[c, p] = sum over o and t of W[c, o, t] dy[o, p * stride - pad + t * dilation],
    which is a convolution of dy; dW[c, o, t] += sum over items and p of x[c, p] dy[o, p * stride -
    pad + t * dilation]; db[o] += sum of dy[o]. Kept from forward: nothing; x is read from the
    bottom.

    The weights have the layout of the Convolution from y's shape to x's; parameters are read as
    there. `engine` and `force_nd_im2col` are hints without effect.

    Caffe: src/caffe/layers/deconv_layer.cpp

    Example::

        layer { name: "up" type: "Deconvolution" bottom: "data" top: "up"
                convolution_param { num_output: 3 group: 3 kernel_size: 4 stride: 2 pad: 1
                                    bias_term: false weight_filler { type: "bilinear" } } }
    """

    reads = ("convolution_param",)
    transposed = True

    def multiply_adds(self, bottom: Blobs, top: Blobs) -> int:
        """Each input is spread by one weight row."""
        return sum(blob.count for blob in bottom) * prod(self.blobs[0].shape[1:])

    def convolve(self, x: Array, weight: Array, bias: Array | None, y: Array) -> None:
        self.ops.convolution_grad_data(x, weight, y, self._geometry)
        if bias is not None:
            self.ops.add_bias(y, bias)

    def grad_data(self, dy: Array, weight: Array, dx: Array) -> None:
        self.ops.convolution(dy, weight, None, dx, self._geometry)

    def grad_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        self.ops.convolution_grad_weight(dy, x, dweight, self._geometry)
