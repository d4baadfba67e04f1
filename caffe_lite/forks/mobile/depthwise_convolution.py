"""DepthwiseConvolution: a convolution of each channel by itself."""

from caffe_lite.forks.mobile.convolution import Convolution
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("DepthwiseConvolution", aliases=["ConvolutionDepthwise", "DepthwiseConv"])
class DepthwiseConvolution(Convolution):
    """Convolution of each channel with kernels of its own: `group` is the number of channels.

    bottom[i]  x_i  (N, C, *S)
    top[i]     y_i  (N, O, *S')       O = num_output, a multiple of C; S' as of Convolution
    blobs[0]   W    (O, 1, *kernel)
    blobs[1]   b    (O,)              absent with bias_term: false

    All fields are those of Convolution, chuanqi305's `tf_pad` included. A `group` that is given is
    used as it is.

    Differences from yonghenglh6's layer: without `group` it convolves each channel by itself, as
    the layers of the other names do, on every device; there a CPU mixes all channels.

    Source: yonghenglh6/DepthwiseConvolution, farmingyard/caffe-mobilenet

    Example::

        layer { name: "dw" type: "DepthwiseConvolution" bottom: "data" top: "dw"
                convolution_param { num_output: 3 kernel_size: 3 pad: 1
                                    weight_filler { type: "msra" } } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        param, shape = self.param.convolution_param, bottom[0].shape
        if not param.HasField("group"):
            param.group = shape[self.canonical_axis(param.axis, len(shape))]
        super().setup(bottom, top)

    @property
    def takes_rectifier(self) -> bool:
        return self.bias_term and not self._same  # whose padding changes with the size
