"""NdPooling: pooling over any number of spatial axes, by shapes."""

from caffe_lite.forks.video._spatial import SpatialPooling
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("NdPooling")
class NdPooling(SpatialPooling):
    """The largest value or the average of each window over all axes behind the channels.

    bottom[0]  x  (N, C, *S)
    top[0]     y  (N, C, *S')  S' = (S + 2 pad - kernel) / stride + 1, rounded up; a last window
                               that would begin in the far padding is dropped

    `kernel_shape`, `stride_shape` (1) and `pad_shape` (0) have one number for each axis;
    `global_pooling` takes all of each axis. AVE divides by the size of the window, which padding is
    part of.

    Differences from video-caffe: it runs on the CPU as well. STOCHASTIC is refused.

    Source: chuckcho/video-caffe

    Example::

        layer { name: "pool" type: "NdPooling" bottom: "data" top: "pool"
                pooling_param { pool: MAX kernel_shape { dim: 1 dim: 2 dim: 2 }
                                stride_shape { dim: 1 dim: 2 dim: 2 } } }
    """

    reads = ("pooling_param",)
    extensions = (
        "pooling_param.kernel_shape",
        "pooling_param.stride_shape",
        "pooling_param.pad_shape",
    )
    spatial = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.pooling_param
        self.note_hint(param, "engine")
        self._method = param.pool
        self._kernel = () if param.global_pooling else tuple(param.kernel_shape.dim)
        self._stride, self._pad = tuple(param.stride_shape.dim), tuple(param.pad_shape.dim)
        if not self._kernel and not param.global_pooling:
            raise self.fail("needs kernel_shape, or global_pooling")
        axes = len(self._kernel) or len(bottom[0].shape) - 2
        self._stride, self._pad = self._stride or (1,) * axes, self._pad or (0,) * axes
        if len(self._stride) != axes or len(self._pad) != axes:
            raise self.fail(
                f"stride_shape and pad_shape must have {axes} numbers like kernel_shape, got "
                f"{self._stride} and {self._pad}"
            )
        self.check_windows()
