"""Convolution3D: convolution over time, height and width."""

from typing import Any

from caffe_lite.layers.convolution import Convolution
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Message


@register("Convolution3D")
class Convolution3D(Convolution):
    """Convolution over time, height and width, as Convolution does it over any axes.

    bottom[0]  x  (N, C, L, H, W)
    top[0]     y  (N, num_output, L', H', W')  L' = (L + 2 temporal_pad - kernel_depth)
                                               / temporal_stride + 1 and H' = (H + 2 pad
                                               - kernel_size) / stride + 1, rounded down
    blobs[0]   W  (num_output, C, kernel_depth, kernel_size, kernel_size)
    blobs[1]   b  (1, 1, 1, 1, num_output)     absent with bias_term: false

    C3D 1.1 has `convolution3d_param`; 1.0 has the same fields in `convolution_param`. `group` is
    ignored, as there.

    Source: facebook/C3D

    Example::

        layer { name: "conv" type: "Convolution3D" bottom: "data" top: "conv"
                convolution3d_param { num_output: 4 kernel_size: 3 kernel_depth: 3 pad: 1
                                      temporal_pad: 1 weight_filler { type: "xavier" } } }
    """

    reads = ("convolution3d_param", "convolution_param")
    extensions = tuple(
        f"convolution_param.{name}" for name in ("kernel_depth", "temporal_stride", "temporal_pad")
    )

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        own = self.param.HasField("convolution3d_param")
        given = self.param.convolution3d_param if own else self.param.convolution_param
        sizes = {
            "kernel_size": self._read(given, "kernel_size", 0),
            "stride": self._read(given, "stride", 1),
            "pad": self._read(given, "pad", 0),
        }
        shape = bottom[0].shape
        if not sizes["kernel_size"] or not given.kernel_depth or len(shape) != 5:
            raise self.fail(
                "needs kernel_size, kernel_depth and a bottom (N, C, L, H, W), got kernel_size: "
                f"{sizes['kernel_size']}, kernel_depth: {given.kernel_depth} and {shape}"
            )
        spelled = type(self.param)()
        spelled.CopyFrom(self.param)
        spelled.ClearField("convolution3d_param")
        spelled.ClearField("convolution_param")
        param = spelled.convolution_param
        param.num_output, param.bias_term = given.num_output, given.bias_term
        for name in ("weight_filler", "bias_filler"):
            getattr(param, name).CopyFrom(getattr(given, name))
        depths = (given.kernel_depth, given.temporal_stride, given.temporal_pad)
        for (name, size), depth in zip(sizes.items(), depths, strict=True):
            getattr(param, name).extend([depth, size, size])
        self.param = spelled
        super().setup(bottom, top)
        if self.bias_term and len(self.blobs[1].shape) == 1:
            self.blobs[1].reshape(1, 1, 1, 1, self._num_output)

    def _read(self, param: Message, name: str, default: int) -> int:
        """The one value of a field; Caffe's own message has a list of them."""
        value: Any = getattr(param, name)
        if isinstance(value, int):
            return value
        if len(value) > 1:
            raise self.fail(f"{name} must be given once, got {len(value)} values")
        return int(value[0]) if value else default
