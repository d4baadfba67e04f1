"""Mean: a mean image, or one value for each channel, added or subtracted."""

from caffe_lite.data.mean_file import read_mean
from caffe_lite.errors import DataError
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Blobs, Flags


@register("Mean")
class Mean(Layer):
    """y = output_scale * (input_scale * x + mean_scale * mean), or minus the mean with SUBTRACT.

    bottom[i]  x_i  (N, C, H, W)
    top[i]     y_i  the shape of x_i

    The mean is the image in `file`, of the size H x W, or has one `value` for each channel. Fewer
    channels than C are repeated, and must divide it.

    Differences from FlowNet: there is a backward pass.

    Source: lmb-freiburg/flownet2

    Example::

        layer { name: "mean" type: "Mean" bottom: "image" top: "centred"
                mean_param { operation: SUBTRACT value: 104 value: 117 value: 123 } }
    """

    bottoms = (1, None)
    tops = (1, None)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.mean_param
        if len(bottom) != len(top):
            raise self.fail(
                f"makes one top per bottom, got {len(bottom)} bottoms and {len(top)} tops"
            )
        if not param.HasField("operation") or not (param.file or param.value):
            raise self.fail("needs operation, and file or value")
        try:
            self._given = self.ops.asarray(read_mean(param.file)) if param.file else None
        except DataError as error:
            raise self.fail(str(error)) from error

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        param = self.param.mean_param
        sign = 1 if param.operation == schema.MeanParameter.ADD else -1
        mean = self._given
        if mean is None:
            mean = self.ops.asarray(list(param.value)).reshape(-1, 1, 1)
        self.means = []
        for below, above in zip(bottom, top, strict=True):
            shape = below.shape
            if len(shape) != 4 or shape[1] % len(mean):
                raise self.fail(
                    f"a mean of {len(mean)} channels does not divide the channels of {shape}"
                )
            if self._given is not None and mean.shape[1:] != shape[2:]:
                raise self.fail(f"the mean image {mean.shape} must be as large as {shape}")
            tiled = self.xp.tile(mean, (shape[1] // len(mean), 1, 1))
            self.means.append(tiled * (sign * param.mean_scale * param.output_scale))
            above.reshape(*shape)

    @property
    def slope(self) -> float:
        return float(self.param.mean_param.input_scale * self.param.mean_param.output_scale)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for below, above, mean in zip(bottom, top, self.means, strict=True):
            self.xp.multiply(below.data, self.slope, out=above.data)
            y = above.data
            y += mean

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        for below, above, wanted in zip(bottom, top, propagate_down, strict=True):
            if wanted:
                self.xp.multiply(above.diff, self.slope, out=below.diff)
