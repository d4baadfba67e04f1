"""Pooling3D: pooling over time, height and width."""

from caffe_lite.forks.video._spatial import Methods, SpatialPooling
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("Pooling3D")
class Pooling3D(SpatialPooling):
    """The largest value or the average of each window over time, height and width.

    bottom[0]  x  (N, C, L, H, W)
    top[0]     y  (N, C, L', H', W')  L' = (L - kernel_depth) / temporal_stride + 1 and
                                      H' = (H + 2 pad - kernel_size) / stride + 1, rounded up

    AVE divides by the size of the window, which padding is part of; frames beyond the last are not.
    `pad` is for AVE alone. C3D 1.1 has `pooling3d_param`; 1.0 has the same fields in
    `pooling_param`.

    Differences from C3D: of equal maxima the first takes the gradient, in C3D each of them takes
    all of it. STOCHASTIC is refused; C3D has it on GPUs.

    Source: facebook/C3D

    Example::

        layer { name: "pool" type: "Pooling3D" bottom: "data" top: "pool"
                pooling3d_param { pool: MAX kernel_size: 2 kernel_depth: 1 stride: 2
                                  temporal_stride: 1 } }
    """

    reads = ("pooling3d_param", "pooling_param")
    extensions = ("pooling_param.kernel_depth", "pooling_param.temporal_stride")
    spatial = True
    _last_in_padding = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        given = self.param.HasField("pooling3d_param")
        param = self.param.pooling3d_param if given else self.param.pooling_param
        for field in ("kernel_size", "kernel_depth"):
            if not param.HasField(field):
                raise self.fail(f"needs {field}")
        self._method = param.pool
        self._kernel = (param.kernel_depth, param.kernel_size, param.kernel_size)
        self._stride = (param.temporal_stride, param.stride, param.stride)
        self._pad = (0, param.pad, param.pad)
        self.check_windows()
        if param.pad and self._method == Methods.MAX:
            raise self.fail(f"pad is for AVE alone, got pad: {param.pad} with MAX")
