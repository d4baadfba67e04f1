"""NdConvolution: convolution over any number of spatial axes, by shapes."""

from caffe_lite.layers.convolution import Convolution
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs

_SHAPES = {"kernel_shape": "kernel_size", "stride_shape": "stride", "pad_shape": "pad"}


@register("NdConvolution")
class NdConvolution(Convolution):
    """Convolution over all axes behind the channels, as Convolution does it.

    bottom[i]  x_i  (N, C, *S)        all of one shape
    top[i]     y_i  (N, num_output, *S')  S' = (S + 2 pad - kernel) / stride + 1, rounded down
    blobs[0]   W    (num_output, C / group, *kernel)
    blobs[1]   b    (num_output,)     absent with bias_term: false

    `kernel_shape`, `stride_shape` (1) and `pad_shape` (0) have one number for each spatial axis.

    Differences from video-caffe: it runs on the CPU as well.

    Source: chuckcho/video-caffe

    Example::

        layer { name: "conv" type: "NdConvolution" bottom: "data" top: "conv"
                convolution_param { num_output: 4 kernel_shape { dim: 3 dim: 3 dim: 3 }
                                    pad_shape { dim: 1 dim: 1 dim: 1 }
                                    weight_filler { type: "xavier" } } }
    """

    reads = ("convolution_param",)
    extensions = tuple(f"convolution_param.{name}" for name in _SHAPES)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        spelled = type(self.param)()
        spelled.CopyFrom(self.param)
        param = spelled.convolution_param
        if not param.kernel_shape.dim:
            raise self.fail("needs kernel_shape")
        for shape, name in _SHAPES.items():
            values = list(getattr(param, shape).dim)
            if values and len(values) != len(param.kernel_shape.dim):
                raise self.fail(
                    f"{shape} must have {len(param.kernel_shape.dim)} numbers like kernel_shape, "
                    f"got {values}"
                )
            getattr(param, name)[:] = values
        for shape in _SHAPES:
            param.ClearField(shape)
        self.param = spelled
        super().setup(bottom, top)
