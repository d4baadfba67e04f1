"""L1Loss: absolute differences, or distances of vectors, NaN left out."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags

_FIELDS = (
    "l2_per_location",
    "l2_prescale_by_channels",
    "normalize_by_num_entries",
    "epsilon",
    "plateau",
)


@register("L1Loss", when=[f"l1_loss_param.{name}" for name in _FIELDS])
class FlowL1Loss(Layer):
    """The sum of absolute differences |a - b|, divided by N.

    With `l2_per_location` it is the sum of the distances of a and b at each pixel,
    sqrt(sum over channels of (a - b)^2 + epsilon).

    Differences that are NaN count as 0, and so do those smaller than `plateau`. With
    `l2_prescale_by_channels` squares are averaged over channels; with `normalize_by_num_entries`
    the loss is divided by the number of pixels that are not NaN instead of N.

    bottom[0]  a     (N, C, ...)
    bottom[1]  b     the shape of a; optional, 0 without it
    top[0]     loss  ()

    Differences from FlowNet: where a and b are equal the gradient is 0; there it is -1 / N. The
    bottom is not changed where it is NaN.

    Source: lmb-freiburg/flownet2

    Example::

        layer { name: "loss" type: "L1Loss" bottom: "flow" bottom: "truth" top: "loss"
                l1_loss_param { l2_per_location: true } }
    """

    bottoms = (1, 2)
    is_loss = True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shapes = [blob.shape for blob in bottom]
        if len(shapes[0]) < 2 or len(set(shapes)) > 1:
            raise self.fail(f"needs bottoms of one shape (N, C, ...), got {shapes}")
        shape = shapes[0]
        self._difference, self._work = self.ops.empty(shape), self.ops.empty(shape)
        self._squares = self.ops.empty((shape[0], 1, *shape[2:]))
        self._distance = self.ops.empty(self._squares.shape)
        top[0].reshape()

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, param, d = self.xp, self.param.l1_loss_param, self._difference
        if len(bottom) > 1:
            xp.subtract(bottom[0].data, bottom[1].data, out=d)
        else:
            d[...] = bottom[0].data
        known = ~xp.isnan(d)
        xp.copyto(d, 0, where=~known)
        self._entries = d.shape[0]
        if param.normalize_by_num_entries:
            self._entries = xp.maximum(known.sum() / d.shape[1], 1e-30)
        if not param.l2_per_location:
            xp.abs(d, out=self._work)
            if param.plateau > 0:
                xp.copyto(d, 0, where=self._work < param.plateau)
                xp.abs(d, out=self._work)
            top[0].data[...] = self._work.sum() / self._entries
            return
        xp.multiply(d, d, out=self._work)
        xp.sum(self._work, axis=1, keepdims=True, out=self._squares)
        self._squares *= self._channel_weight
        xp.copyto(self._squares, 0, where=self._squares < param.plateau**2)
        xp.add(self._squares, param.epsilon, out=self._distance)
        xp.sqrt(self._distance, out=self._distance)
        top[0].data[...] = self._distance.sum() / self._entries

    @property
    def _channel_weight(self) -> float:
        scaled = self.param.l1_loss_param.l2_prescale_by_channels
        return 1 / self._difference.shape[1] if scaled else 1.0

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not any(propagate_down):
            return
        xp, work = self.xp, self._work
        alpha = top[0].diff / self._entries
        if self.param.l1_loss_param.l2_per_location:
            counted = self._squares > 0
            safe = xp.where(counted, self._distance, 1)
            xp.multiply(self._difference, counted * (alpha * self._channel_weight) / safe, out=work)
        else:
            xp.sign(self._difference, out=work)
            work *= alpha
        for i, (blob, wanted) in enumerate(zip(bottom, propagate_down, strict=True)):
            if wanted:
                xp.multiply(work, 1 if i == 0 else -1, out=blob.diff)
