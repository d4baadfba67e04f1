"""NVIDIA's BatchNorm: with a learned scale and bias inside."""

from caffe_lite.forks.norms.channel_norm import ChannelNorm
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, State

_FIELDS = ("scale_bias", "scale_filler", "bias_filler")


@register(
    "BatchNorm",
    when=[
        "batch_norm_param.scale_bias",
        "batch_norm_param.scale_filler",
        "batch_norm_param.bias_filler",
    ],
)
class BatchNorm(ChannelNorm):
    """Batch normalization with a learned scale and bias:
    y = scale * (x - mean) / sqrt(var + eps) + bias.

    mean and var are those of the batch in the TRAIN phase, and running averages in the TEST phase
    or with `use_global_stats: true`. With f = moving_average_fraction an average becomes
    f * average + (1 - f) * value of the batch; the first two batches replace it.

    bottom[0]  x       (N, C, ...)
    top[0]     y       the shape of x; may be the bottom
    blobs[0]   mean    (C,)  running average; not learned
    blobs[1]   var     (C,)  running average of the variances times m / (m - 1), m = count / C; not
                             learned
    blobs[2]   weight  (1,)  1; mean and var are divided by it, as Caffe's are; not learned
    blobs[3]   scale   (C,)  filled by `scale_filler`, or 1
    blobs[4]   bias    (C,)  filled by `bias_filler`, or 0

    `scale_bias: true`, or a filler, adds blobs 3 and 4; `scale_bias: false` without one leaves them
    out. eps is at least 1e-5. Weight files with these blobs in the older order scale, bias, mean,
    var, weight are read as well, and Caffe's BatchNorm with a Scale layer behind it takes all five.

    Differences from NVIDIA's layer: the variances are averaged as its GPU code does it; its CPU
    code averages them with eps added and without m / (m - 1). Scale and bias have the learning
    rates that the definition gives, there 1.

    Source: NVIDIA/caffe

    Example::

        layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y"
                batch_norm_param { scale_bias: true moving_average_fraction: 0.9 } }
    """

    extensions = tuple(f"batch_norm_param.{field}" for field in _FIELDS)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.batch_norm_param
        self.eps, self._fraction = max(param.eps, 1e-5), param.moving_average_fraction
        self.of_batch = self.train and not param.use_global_stats
        filled = param.HasField("scale_filler") or param.HasField("bias_filler")
        if not self.blobs:
            shape = (self.channels(bottom),)
            one = schema.FillerParameter(value=1)
            self.add_blob(shape)
            self.add_blob(shape)
            self.add_blob((1,), one)
            if param.scale_bias or filled:
                self.add_blob(shape, param.scale_filler if param.HasField("scale_filler") else one)
                self.add_blob(shape, param.bias_filler)
        self.fix_blobs(0, 1, 2)
        self.scale, self.shift = self.blobs[3:] or (None, None)
        self._batches = self.ops.zeros((1,))  # batches seen, up to 2

    def statistics(self, x: Array, mean: Array, var: Array) -> None:
        xp = self.xp
        averages = [blob.data for blob in self.blobs[:2]]
        if not self.of_batch:
            weight = self.blobs[2].data
            factor = xp.where(weight == 0, 0, 1 / xp.where(weight == 0, 1, weight))
            for out, average in zip((mean, var), averages, strict=True):
                xp.multiply(average, factor, out=out)
            return
        self.ops.batch_norm_stats(x, mean, var)
        outer, _, inner = self._view
        count = outer * inner
        unbiased = count / (count - 1) if count > 1 else 1.0
        fraction = xp.where(self._batches < 2, 0, self._fraction)
        for average, value in zip(averages, (mean, unbiased * var), strict=True):
            average *= fraction
            average += (1 - fraction) * value
        xp.minimum(self._batches + 1, 2, out=self._batches)

    def get_state(self) -> State:
        return {**super().get_state(), "batches": self.ops.to_host(self._batches).tolist()}

    def set_state(self, state: State) -> None:
        super().set_state(state)
        self._batches[...] = self.ops.asarray(state.get("batches", [0.0]))
