"""BinaryConvolution: a convolution with the signs of its weights."""

from caffe_lite.forks.quantized._binary import binarize
from caffe_lite.layers.convolution import Convolution
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("BinaryConvolution")
class BinaryConvolution(Convolution):
    """A convolution with weights 1 and -1, or those times the mean |W| of each output.

    `use_alpha` asks for the mean; with use_binarization: false this is Convolution. The gradient of
    the bottom is that of the binary weights, and the weights W take the gradient of the binary ones
    as it is. Rastegari et al., XNOR-Net, ECCV 2016; Cai et al., HWGQ-Net, CVPR 2017.

    bottom[i]  x_i  (N, C, *S)             as of Convolution
    top[i]     y_i  (N, O, *S')
    blobs[0]   W    (O, C / group, *kernel)  real numbers, of which the signs count
    blobs[1]   b    (O,)                   absent with bias_term: false

    Source: zhaoweicai/hwgq

    Example::

        layer { name: "conv" type: "BinaryConvolution" bottom: "data" top: "conv"
                convolution_param { num_output: 4 kernel_size: 3
                                    weight_filler { type: "msra" } }
                binary_convolution_param { use_alpha: true } }
    """

    reads = ("convolution_param", "binary_convolution_param")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._binary = self.ops.empty(self._weight_shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.binary_convolution_param
        if param.use_binarization:
            weight = super().weights()
            binarize(self.xp, weight, self._binary, param.use_alpha)
        super().forward(bottom, top)

    def weights(self) -> Array:
        binary = self.param.binary_convolution_param.use_binarization
        return self._binary if binary else super().weights()

    def operation(self, bottom: Blobs, top: Blobs) -> None:
        """Its weights are made anew in each forward pass."""
