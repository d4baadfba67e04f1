"""CTPN's BN: normalization by the batch, with running averages on request."""

from caffe_lite.forks.norms.channel_norm import ChannelNorm
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs

_FIELDS = ("scale_filler", "shift_filler", "var_eps", "moving_average", "decay", "axis")


@register(
    "BN",
    when=[
        "bn_param.var_eps",
        "bn_param.moving_average",
        "bn_param.decay",
        "bn_param.axis",
    ],
)
class BN(ChannelNorm):
    """Batch normalization with a learned scale and shift:
    y = scale * (x - mean) / sqrt(var + var_eps) + shift.

    mean and var are those of the batch; in the TEST phase, with `moving_average: true`, running
    averages: average = (1 - decay) * average + decay * value of the batch, in every TRAIN pass.

    bottom[0]  x      (N, C, ...); with `axis: 2` (N, L, C, ...)
    top[0]     y      the shape of x; may be the bottom
    blobs[0]   scale  (1, C, 1, 1)  (1, 1, C, 1) with `axis: 2`; filled by `scale_filler`, or 0
    blobs[1]   shift  as scale      filled by `shift_filler`, or 0
    blobs[2]   mean   as scale      running average, 0 at first; not learned
    blobs[3]   var    as scale      running average, 0 at first; not learned

    Differences from CTPN: the gradient in the TEST phase with `moving_average` is that of the
    formula, with averages that do not depend on x.

    Source: tianzhi0549/CTPN

    Example::

        layer { name: "bn" type: "BN" bottom: "x" top: "y"
                bn_param { scale_filler { value: 1 } moving_average: true decay: 0.1 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.bn_param
        self.check_fields(*_FIELDS)
        if param.axis not in (1, 2):
            raise self.fail(f"axis must be 1 or 2, got {param.axis:g}")
        self.axis = int(param.axis)
        self.eps, self._decay = param.var_eps, param.decay
        self.of_batch = self.train or not param.moving_average
        if not self.blobs:
            self.add_channel_blobs(bottom, param.scale_filler, param.shift_filler, None, None)
        self.fix_blobs(2, 3)
        self.scale, self.shift = self.blobs[:2]

    def statistics(self, x: Array, mean: Array, var: Array) -> None:
        averages = [blob.data.reshape(-1) for blob in self.blobs[2:]]
        if not self.of_batch:
            mean[...], var[...] = averages
            return
        self.ops.batch_norm_stats(x, mean, var)
        if self.train:
            for average, value in zip(averages, (mean, var), strict=True):
                average *= 1 - self._decay
                average += self._decay * value
