"""MaskResize: maps in another size; the weights of pixels are made on the host."""

import numpy as np

from caffe_lite.forks.rcnn.roi_align import point_weights
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("MaskResize")
class MaskResize(Layer):
    """Bilinear interpolation: pixel i of n' is read at i n / n', at most half a pixel outside.

    bottom[0]  x  (N, C, H, W)
    top[0]     y  (N, C, output_height, output_width)

    Source: daijifeng001/caffe-mnc

    Example::

        layer { name: "mask" type: "MaskResize" bottom: "x" top: "y"
                mask_resize_param { output_height: 14 output_width: 14 } }
    """

    spatial = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, param = bottom[0].shape, self.param.mask_resize_param
        size = param.output_height, param.output_width
        if len(shape) != 4 or min(size) < 1:
            raise self.fail_shape(
                0,
                (*shape[:1], 1, *size),
                "needs a bottom of 4 axes (N, C, H, W), and output_height and output_width of at "
                f"least 1, got shape {shape} and {size[0]}, {size[1]}",
            )
        top[0].reshape(*shape[:2], *size)
        self._rows, self._columns = (
            self.ops.asarray(point_weights(np.arange(new) * (old / new), old, margin=0.5))
            for new, old in zip(size, shape[2:], strict=True)
        )
        self._wide = self.ops.empty((*shape[:3], size[1]))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.xp.matmul(bottom[0].data, self._columns.T, out=self._wide)
        self.xp.matmul(self._rows, self._wide, out=top[0].data)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            self.xp.matmul(self._rows.T, top[0].diff, out=self._wide)
            self.xp.matmul(self._wide, self._columns, out=bottom[0].diff)
