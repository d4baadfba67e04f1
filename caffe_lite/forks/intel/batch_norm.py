"""Intel's BatchNorm: with a learned scale and bias, and a ReLU, inside."""

from caffe_lite.forks.norms.channel_norm import ChannelNorm
from caffe_lite.forks.norms.sums import add_to_sums, read_sums
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags

_FIELDS = ("use_weight_bias", "bias_term", "filler", "bias_filler", "relu", "stats_batch_size")


@register(
    "BatchNorm",
    when=[
        "batch_norm_param.use_weight_bias",
        "batch_norm_param.bias_term",
        "batch_norm_param.filler",
        "batch_norm_param.relu",
        "batch_norm_param.stats_batch_size",
    ],
)
class BatchNorm(ChannelNorm):
    """Batch normalization with a learned scale and bias, and on request a ReLU:
    y = scale * (x - mean) / sqrt(var + eps) + bias.

    mean and var are those of the batch in the TRAIN phase, and running averages in the TEST phase;
    `use_global_stats` says so outright. They are kept as by Caffe's BatchNorm.

    bottom[0]  x       (N, C, ...)
    top[0]     y       the shape of x; may be the bottom
    blobs[0]   mean    (C,)  sum of batch means, as of Caffe's BatchNorm; not learned
    blobs[1]   var     (C,)  the same of the variances; not learned
    blobs[2]   weight  (1,)  what both sums are to be divided by; not learned
    blobs[3]   scale   (C,)  absent with use_weight_bias: false; filled by `filler`, or 1
    blobs[4]   bias    (C,)  absent with bias_term: false, too; filled by `bias_filler`, or 0

    `relu: true` puts max(y, 0) in the top.

    Differences from Intel's layer: `stats_batch_size` must be 0; there it normalizes parts of a
    batch one by one. A definition that has none of these fields is Caffe's BatchNorm, without scale
    and bias.

    Source: intel/caffe

    Example::

        layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y"
                batch_norm_param { use_weight_bias: true relu: true eps: 0.001 } }
    """

    extensions = tuple(f"batch_norm_param.{field}" for field in _FIELDS)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.batch_norm_param
        if param.stats_batch_size:
            raise self.fail(
                f"stats_batch_size must be 0, got {param.stats_batch_size}; make the batch as "
                "small, and give the solver an iter_size"
            )
        self.eps, self._fraction = param.eps, param.moving_average_fraction
        self.of_batch = self.train
        if param.HasField("use_global_stats"):
            self.of_batch = not param.use_global_stats
        if not self.blobs:
            shape = (self.channels(bottom),)
            for size in (shape, shape, (1,)):
                self.add_blob(size)
            if param.use_weight_bias:
                one = schema.FillerParameter(value=1)
                self.add_blob(shape, param.filler if param.HasField("filler") else one)
            if param.use_weight_bias and param.bias_term:
                self.add_blob(shape, param.bias_filler)
        self.fix_blobs(0, 1, 2)
        self.scale, self.shift, *_ = *self.blobs[3:], None, None

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if self.param.batch_norm_param.relu:
            shape = bottom[0].shape
            self._dy, self._passes = self.ops.empty(shape), self.ops.empty(shape, bool)

    def statistics(self, x: Array, mean: Array, var: Array) -> None:
        if self.of_batch:
            self.ops.batch_norm_stats(x, mean, var)
            outer, _, inner = self._view
            add_to_sums(self.blobs, mean, var, self._fraction, outer * inner)
        else:
            read_sums(self.xp, self.blobs, mean, var)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        if self.param.batch_norm_param.relu:
            y = top[0].data
            self.xp.greater(y, 0, out=self._passes)  # a later layer may change the top in place
            self.ops.relu(y, y)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        dy = top[0].diff
        if self.param.batch_norm_param.relu:
            dy = self.xp.multiply(dy, self._passes, out=self._dy)
        self.backward_from(dy, propagate_down[0], top, bottom)
