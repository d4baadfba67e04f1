"""DeepLab's BatchNorm: running averages that are updated while they are used."""

from caffe_lite.layers import batch_norm
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("BatchNorm", when=["batch_norm_param.update_global_stats"])
class BatchNorm(batch_norm.BatchNorm):
    """Caffe's BatchNorm, except that the running averages are updated even while they are used.

    With `use_global_stats: true` and `update_global_stats: true`, a batch of the TRAIN phase is
    normalized by the averages, y = (x - mean) / sqrt(var + eps), and then counts in them.

    bottom[0]  x       (N, C, ...)
    top[0]     y       the shape of x; may be the bottom
    blobs[0]   mean    (C,)         as of Caffe's BatchNorm
    blobs[1]   var     (C,)         the same
    blobs[2]   weight  (1,)         what both are to be divided by

    Source: hszhao/PSPNet, cdmh/deeplab-public-ver2

    Example::

        layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y"
                batch_norm_param { use_global_stats: true update_global_stats: true } }
    """

    extensions = ("batch_norm_param.update_global_stats",)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        channels = self.blobs[0].count
        self._batch = self.ops.empty((2, channels))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        updates = self._global and self.train and self.param.batch_norm_param.update_global_stats
        if updates:  # before the top, which may be the bottom, is written
            self.ops.batch_norm_stats(bottom[0].data.reshape(self._view), *self._batch)
        super().forward(bottom, top)
        if updates:
            self._update_statistics(*self._batch)
