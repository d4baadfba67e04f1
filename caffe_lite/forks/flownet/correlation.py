"""Correlation: how similar patches of two images are, over a range of shifts."""

from collections.abc import Iterator
from typing import Any

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags

Types = schema.CorrelationParameter


@register("Correlation")
class Correlation(Layer):
    """How similar patches of two images are, for each shift of the second:

        y[(p, q), i, j] = mean over channels and taps (s, t) of the patch of
                          a[i S + D + s, j S + D + t] b[i S + D + p + s, j S + D + q + t]

    or, with `correlation_type: SUBTRACT`, of the absolute difference of a and b. D is
    `max_displacement`, S `stride_1`, and shifts p and q are the multiples of `stride_2` from -D to
    D, q the faster. Both images have `pad` zeros on each side.

    bottom[0]  a  (N, C, H, W)
    bottom[1]  b  (N, C, H, W)
    top[0]     y  (N, K * K, H', W')  K = 2 floor(D / stride_2) + 1;
                                      H' = (H + 2 pad - 2 D - kernel_size + 1) / S, rounded up

    Differences from FlowNet: it runs on the CPU as well. The gradients of SUBTRACT follow the
    formula; FlowNet's take the sign of the difference from other pixels.

    Source: lmb-freiburg/flownet2

    Example::

        layer { name: "corr" type: "Correlation" bottom: "conv3a" bottom: "conv3b" top: "corr"
                correlation_param { pad: 2 kernel_size: 1 max_displacement: 2 stride_1: 1
                                    stride_2: 1 } }
    """

    spatial = True
    bottoms = (2, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.correlation_param
        for field in ("kernel_size", "max_displacement"):
            if not param.HasField(field):
                raise self.fail(f"needs {field}")
        if param.kernel_size % 2 == 0:
            raise self.fail(f"kernel_size must be odd, got {param.kernel_size}")
        if min(param.stride_1, param.stride_2) < 1:
            raise self.fail("stride_1 and stride_2 must be at least 1")
        self._multiplies = param.correlation_type == Types.MULTIPLY

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        param, shape = self.param.correlation_param, bottom[0].shape
        if len(shape) != 4 or bottom[1].shape != shape:
            raise self.fail(
                f"needs two bottoms of one shape (N, C, H, W), got {shape} and {bottom[1].shape}"
            )
        padded = [side + 2 * param.pad for side in shape[2:]]
        border = 2 * param.max_displacement + param.kernel_size - 1
        made = [-(-(side - border) // param.stride_1) for side in padded]
        if min(made) < 1:
            raise self.fail(
                f"the shifts and the kernel ({border + 1} pixels) do not fit the padded bottom "
                f"{padded[0]} x {padded[1]}"
            )
        reach = param.max_displacement // param.stride_2
        self._shifts = [step * param.stride_2 for step in range(-reach, reach + 1)]
        top[0].reshape(shape[0], len(self._shifts) ** 2, *made)
        self._padded = [self.ops.zeros((*shape[:2], *padded)) for _ in range(2)]
        self._diffs = [self.ops.empty((*shape[:2], *padded)) for _ in range(2)]
        inner: Any = [slice(param.pad, param.pad + side) for side in shape[2:]]
        self._inner: Any = (..., *inner)
        self._product = self.ops.empty((*shape[:2], *made))
        self._scale = 1 / (param.kernel_size**2 * shape[1])

    def _windows(self, made: tuple[int, ...]) -> Iterator[tuple[int, Any, Any]]:
        """Each shift's channel, and the pixels of a and of b at one tap of the kernel."""
        param = self.param.correlation_param
        for channel in range(len(self._shifts) ** 2):
            down, right = (self._shifts[i] for i in divmod(channel, len(self._shifts)))
            for tap in range(param.kernel_size**2):
                row, column = divmod(tap, param.kernel_size)
                yield (
                    channel,
                    self._window(row, column, made),
                    self._window(row + down, column + right, made),
                )

    def _window(self, row: int, column: int, made: tuple[int, ...]) -> Any:
        param = self.param.correlation_param
        starts = (param.max_displacement + row, param.max_displacement + column)
        return (
            ...,
            *(
                slice(start, start + (size - 1) * param.stride_1 + 1, param.stride_1)
                for start, size in zip(starts, made, strict=True)
            ),
        )

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, y, product = self.xp, top[0].data, self._product
        for padded, blob in zip(self._padded, bottom, strict=True):
            padded[self._inner] = blob.data
        a, b = self._padded
        y[...] = 0
        for channel, at_a, at_b in self._windows(y.shape[2:]):
            if self._multiplies:
                xp.multiply(a[at_a], b[at_b], out=product)
            else:
                xp.subtract(a[at_a], b[at_b], out=product)
                xp.abs(product, out=product)
            y[:, channel] += product.sum(axis=1)
        y *= self._scale

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        xp, dy = self.xp, top[0].diff
        a, b = self._padded
        da, db = self._diffs
        da[...] = 0
        db[...] = 0
        for channel, at_a, at_b in self._windows(dy.shape[2:]):
            slope = dy[:, channel, None] * self._scale
            if self._multiplies:
                da_part, db_part = slope * b[at_b], slope * a[at_a]
            else:
                da_part = xp.where(a[at_a] >= b[at_b], slope, -slope)
                db_part = -da_part
            _add(da, at_a, da_part)
            _add(db, at_b, db_part)
        for blob, diff, wanted in zip(bottom, self._diffs, propagate_down, strict=True):
            if wanted:
                blob.diff[...] = diff[self._inner]


def _add(total: Array, at: Any, part: Array) -> None:
    view = total[at]
    view += part
