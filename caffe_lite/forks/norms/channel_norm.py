"""Base of layers that normalize each channel and then scale and shift it."""

from math import prod

from caffe_lite.backend.operations import Affine, Operation
from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Blobs, FillerParameter, Flags


class ChannelNorm(Layer):
    """y = scale * (x - mean) / sqrt(var + eps) + shift, numbers per channel.

    `setup` of a subclass sets `eps`, `of_batch` (whether mean and var are those of the batch, so
    that the gradient of x goes through them), `scale` and `shift` (blobs, or None). `statistics`
    says what mean and var are.
    """

    keeps_layout = True
    in_place = True
    axis = 1

    eps: float
    of_batch: bool
    scale: Blob | None
    shift: Blob | None

    def statistics(self, x: Array, mean: Array, var: Array) -> None:
        """Write mean and var (C,); x is (outer, C, inner)."""
        raise NotImplementedError

    def check_fields(self, *own: str) -> None:
        """Fail for a field of bn_param that has another meaning of BN."""
        for field, _ in self.param.bn_param.ListFields():
            if field.name not in own and not field.GetOptions().deprecated:
                raise self.fail(
                    f"bn_param.{field.name} is a field of another fork's BN and does not go with "
                    f"{', '.join(own)}"
                )

    def channels(self, bottom: Blobs) -> int:
        """The number of channels; fails for a bottom without that axis."""
        self.require_elements(bottom)
        shape = bottom[0].shape
        if len(shape) <= self.axis:
            raise self.fail(
                f"needs a bottom of at least {self.axis + 1} axes, channels on axis {self.axis}, "
                f"got shape {shape}"
            )
        return shape[self.axis]

    def add_channel_blobs(self, bottom: Blobs, *fillers: FillerParameter | None) -> None:
        """Add a blob (1, C, 1, 1), channels on `axis`, for each filler; None: zeros."""
        shape = [1, 1, 1, 1]
        shape[self.axis] = self.channels(bottom)
        for filler in fillers:
            self.add_blob(shape, filler)

    def fix_blobs(self, *indices: int) -> None:
        """Take blobs out of learning and of weight decay, whatever the definition says."""
        specs = self.param.param
        while len(specs) < len(self.blobs):
            specs.add()
        for index in indices:
            specs[index].lr_mult = specs[index].decay_mult = 0

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        channels, shape = self.channels(bottom), bottom[0].shape
        if channels != self.blobs[0].count:
            raise self.fail(
                f"bottom[0] has {channels} channels, the learned blobs have {self.blobs[0].count}"
            )
        top[0].reshape(*shape)
        axis = self.axis
        self._view = (prod(shape[:axis]), channels, prod(shape[axis + 1 :]))
        self._kept, self._work = self.ops.empty(self._view), self.ops.empty(self._view)
        self._mean, self._std, self._factor, self._offset = (
            self.ops.empty((channels,)) for _ in range(4)
        )

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        ops, xp, mean, std = self.ops, self.xp, self._mean, self._std
        x, y = self._as_views(bottom[0].data, top[0].data, self._view)
        self.statistics(x, mean, std)
        std += self.eps
        xp.sqrt(std, out=std)
        if self.of_batch:
            # Kept apart from the top, which a later layer may change in place.
            ops.batch_norm_apply(x, mean, std, self._kept)
            if self.scale is None:
                y[...] = self._kept
            else:
                xp.multiply(self._kept, self.scale.data.reshape(-1, 1), out=y)
            if self.shift is not None:
                ops.add_bias(y, self.shift.data.reshape(-1))
            return
        if top[0] is bottom[0]:
            self._kept[...] = x
        factor, offset = self._factor, self._offset
        xp.divide(1 if self.scale is None else self.scale.data.reshape(-1), std, out=factor)
        xp.multiply(mean, factor, out=offset)
        xp.subtract(0 if self.shift is None else self.shift.data.reshape(-1), offset, out=offset)
        xp.multiply(x, factor.reshape(-1, 1), out=y)
        ops.add_bias(y, offset)

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        if self.of_batch or self.axis != 1 or len(top) > 1:
            return None
        mean, std = (self.ops.empty((bottom[0].shape[1],)) for _ in range(2))
        self.statistics(mean.reshape(1, -1, 1), mean, std)  # x is not read
        scale = 1 / self.xp.sqrt(std + self.eps)
        if self.scale is not None:
            scale = scale * self.scale.data.reshape(-1)
        shift = -mean * scale
        return Affine(scale, shift if self.shift is None else shift + self.shift.data.reshape(-1))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self.backward_from(top[0].diff, propagate_down[0], top, bottom)

    def backward_from(self, dy: Array, propagate: bool, top: Blobs, bottom: Blobs) -> None:
        """The backward pass, with the top's gradient given."""
        ops, xp, work = self.ops, self.xp, self._work
        dy, dx = self._as_views(dy, bottom[0].diff, self._view)
        if self.scale is not None and self._learns(self.scale):
            normalized = self._kept
            if not self.of_batch:
                kept = top[0] is bottom[0]
                x = self._kept if kept else bottom[0].data.reshape(self._view)
                ops.batch_norm_apply(x, self._mean, self._std, work)
                normalized = work
            xp.multiply(dy, normalized, out=work)
            ops.sum_bias(work, self.scale.diff.reshape(-1))
        if self.shift is not None and self._learns(self.shift):
            ops.sum_bias(dy, self.shift.diff.reshape(-1))
        if not propagate:
            return
        if not self.of_batch:
            xp.multiply(dy, self._factor.reshape(-1, 1), out=dx)
            return
        if self.scale is not None:
            dy = xp.multiply(dy, self.scale.data.reshape(-1, 1), out=work)
        ops.batch_norm_grad(self._kept, self._std, dy, dx)

    def _learns(self, blob: Blob) -> bool:
        index = next(i for i, own in enumerate(self.blobs) if own is blob)
        return self.needs_param_diff(index)
