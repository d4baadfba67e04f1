"""SegNet's BN: normalization by the batch, or nothing but a scale and a shift."""

from caffe_lite.forks.norms.channel_norm import ChannelNorm
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs


@register("BN")
class BN(ChannelNorm):
    """Batch normalization with a learned scale and shift.

        LEARN      y = scale * (x - mean) / sqrt(var + 1e-9) + shift, mean and var of the batch,
                   in both phases
        INFERENCE  y = scale * x + shift; for blobs into which the statistics were multiplied

    `bn_mode` chooses; LEARN is the default.

    bottom[0]  x      (N, C, ...)
    top[0]     y      the shape of x; may be the bottom
    top[1]     mean   (1, C, 1, 1)  only with LEARN, optional; no gradient
    top[2]     var    (1, C, 1, 1)  only with LEARN, optional; no gradient
    blobs[0]   scale  (1, C, 1, 1)  filled by `scale_filler`, or 0
    blobs[1]   shift  (1, C, 1, 1)  filled by `shift_filler`, or 0

    Source: alexgkendall/caffe-segnet, TimoSaemann/caffe-enet, HyeonwooNoh/caffe

    Example::

        layer { name: "bn" type: "BN" bottom: "x" top: "y"
                bn_param { scale_filler { value: 1 } shift_filler { value: 0.001 } } }
    """

    tops = (1, 3)
    tops_without_gradient = (1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.bn_param
        self.check_fields("scale_filler", "shift_filler", "bn_mode")
        self.of_batch = param.bn_mode == schema.BNParameter.LEARN
        self.eps = 1e-9 if self.of_batch else 0.0
        if len(top) > 1 and not self.of_batch:
            raise self.fail("mean and var (top[1] and top[2]) need bn_mode: LEARN")
        if not self.blobs:
            self.add_channel_blobs(bottom, param.scale_filler, param.shift_filler)
        self.scale, self.shift = self.blobs

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._tops = top[1:]
        for blob in self._tops:
            blob.reshape(1, self.channels(bottom), 1, 1)

    def statistics(self, x: Array, mean: Array, var: Array) -> None:
        if not self.of_batch:
            mean[...] = 0
            var[...] = 1
            return
        self.ops.batch_norm_stats(x, mean, var)
        for blob, values in zip(self._tops, (mean, var), strict=False):
            blob.data.reshape(-1)[...] = values
