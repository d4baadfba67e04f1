"""The BN of yjxiong's Caffe, PSPNet and ICNet: running averages with a momentum, and freezing."""

from caffe_lite.forks.norms.channel_norm import ChannelNorm
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs

_FIELDS = ("slope_filler", "bias_filler", "momentum", "eps", "frozen")


@register(
    "BN",
    when=[
        "bn_param.slope_filler",
        "bn_param.bias_filler",
        "bn_param.momentum",
        "bn_param.eps",
        "bn_param.frozen",
        "bn_param.engine",
    ],
)
class BN(ChannelNorm):
    """Batch normalization with a learned slope and bias:
    y = slope * (x - mean) / sqrt(var + eps) + bias.

    mean and var are those of the batch in the TRAIN phase, and running averages in the TEST phase
    or with `frozen: true`: average = momentum * average + (1 - momentum) * value of the batch.

    bottom[0]  x      (N, C, ...)
    top[0]     y      the shape of x; may be the bottom
    blobs[0]   slope  (1, C, 1, 1)  filled by `slope_filler`, or 0
    blobs[1]   bias   (1, C, 1, 1)  filled by `bias_filler`, or 0
    blobs[2]   mean   (1, C, 1, 1)  running average, 0 at first; not learned
    blobs[3]   var    (1, C, 1, 1)  running average, 0 at first, or 1 with `frozen`; not learned

    With `frozen` slope and bias are not learned either. `engine` is a hint without effect.

    Differences from yjxiong's layer: the gradient in the TEST phase is that of the formula, with
    averages that do not depend on x. On several devices, batches are normalized one by one.

    Source: hszhao/PSPNet, yjxiong/caffe

    Example::

        layer { name: "bn" type: "BN" bottom: "x" top: "y"
                bn_param { slope_filler { value: 1 } bias_filler { value: 0 } momentum: 0.95 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.bn_param
        self.check_fields(*_FIELDS)
        self.eps, self._momentum = param.eps, param.momentum
        self.of_batch = self.train and not param.frozen
        if not self.blobs:
            variance = schema.FillerParameter(value=float(param.frozen))
            self.add_channel_blobs(bottom, param.slope_filler, param.bias_filler, None, variance)
        self.fix_blobs(*(range(4) if param.frozen else (2, 3)))
        self.scale, self.shift = self.blobs[:2]

    def statistics(self, x: Array, mean: Array, var: Array) -> None:
        averages = [blob.data.reshape(-1) for blob in self.blobs[2:]]
        if not self.of_batch:
            mean[...], var[...] = averages
            return
        self.ops.batch_norm_stats(x, mean, var)
        for average, value in zip(averages, (mean, var), strict=True):
            average *= self._momentum
            average += (1 - self._momentum) * value
