"""Intel's Pooling: averages that count only pixels inside the image."""

from caffe_lite.layers import pooling
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Blobs, Flags


@register("Pooling", when=["pooling_param.avg_include_pad"])
class Pooling(pooling.Pooling):
    """One value per window of each channel, as Caffe's Pooling; an average need not count padding.

        AVE, avg_include_pad: false   sum over the image / number of its pixels in the window
        AVE, avg_include_pad: true    sum over the image / size of the window, which padding is
                                      part of, as in Caffe

    bottom[0]  x     (N, C, H, W)
    top[0]     y     (N, C, H', W')  the sizes of Caffe's Pooling
    top[1]     mask  (N, C, H', W')  MAX alone, optional; no gradient

    Other methods ignore the field.

    Source: intel/caffe

    Example::

        layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
                pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 avg_include_pad: false } }
    """

    extensions = ("pooling_param.avg_include_pad",)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        param = self.param.pooling_param
        average = self._method == schema.PoolingParameter.AVE
        self._excludes = average and not param.avg_include_pad
        if self._excludes:
            rows, columns = (
                self._shares(bottom[0].shape[2 + axis], top[0].shape[2 + axis], axis)
                for axis in (0, 1)
            )
            shares = [[row * column for column in columns] for row in rows]
            self._factor = self.ops.asarray(shares)
            self._dy = self.ops.empty(top[0].shape)

    def _shares(self, size: int, made: int, axis: int) -> list[float]:
        """The size of each window along an axis, over the number of its pixels in the image."""
        kernel, stride, pad = self._kernel[axis], self._step[axis], self._pad[axis]
        shares = []
        for i in range(made):
            start = i * stride - pad
            end = min(start + kernel, size + pad)
            inside = min(end, size) - max(start, 0)
            shares.append((end - start) / inside if inside > 0 else 1.0)
        return shares

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        if self._excludes:
            y = top[0].data
            y *= self._factor

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not self._excludes:
            super().backward(top, propagate_down, bottom)
        elif propagate_down[0]:
            self.xp.multiply(top[0].diff, self._factor, out=self._dy)
            self.ops.ave_pool_grad(self._dy, bottom[0].diff, self._kernel, self._step, self._pad)
