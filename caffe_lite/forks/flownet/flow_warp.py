"""FlowWarp: an image whose pixels are fetched along a flow."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags


@register("FlowWarp")
class FlowWarp(Layer):
    """Each pixel fetched from where the flow points, between four pixels by bilinear weights:
    y[h, w] = x[h + v[h, w], w + u[h, w]].

    bottom[0]  x     (N, C, H, W)
    bottom[1]  flow  (N, 2, H, W)  u, to the right, and v, down, in pixels
    top[0]     y     (N, C, H, W)  `fill_value` where the flow points outside: ZERO or NOT_A_NUMBER

    A place is inside if 0 <= w + u < W and 0 <= h + v < H; beyond the last row or column its pixels
    are repeated.

    Differences from FlowNet: the gradient of flow that points outside is 0; there it stays what it
    was.

    Source: lmb-freiburg/flownet2

    Example::

        layer { name: "warp" type: "FlowWarp" bottom: "image" bottom: "flow" top: "warped" }
    """

    spatial = True
    bottoms = (2, 2)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, flow = bottom[0].shape, bottom[1].shape
        if len(shape) != 4 or flow != (shape[0], 2, *shape[2:]):
            raise self.fail(
                f"needs an image (N, C, H, W) and a flow (N, 2, H, W), got {shape} and {flow}"
            )
        top[0].reshape(*shape)
        zero = self.param.flow_warp_param.fill_value == schema.FlowWarpParameter.ZERO
        self._fill = 0.0 if zero else float("nan")

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, x, y = self.xp, bottom[0].data, top[0].data
        height, width = x.shape[2:]
        column = bottom[1].data[:, 0] + xp.arange(width, dtype=x.dtype)
        row = bottom[1].data[:, 1] + xp.arange(height, dtype=x.dtype)[:, None]
        inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)  # NaN is not
        column, row = xp.where(inside, column, 0), xp.where(inside, row, 0)
        left, upper = xp.floor(column), xp.floor(row)
        self._inside = inside[:, None]
        self._across, self._down = (column - left)[:, None], (row - upper)[:, None]
        left, upper = left.astype("int64"), upper.astype("int64")
        right, lower = xp.minimum(left + 1, width - 1), xp.minimum(upper + 1, height - 1)
        self._corners = [
            (r * width + c).reshape(len(x), -1) for r in (upper, lower) for c in (left, right)
        ]
        pixels = self._fetch(x)
        y[...] = 0
        for weight, pixel in zip(self._weights(), pixels, strict=True):
            y += weight * pixel
        xp.copyto(y, self._fill, where=~self._inside)

    def _fetch(self, x: Array) -> list[Array]:
        """The pixels (N, C, H, W) at the four corners around each place."""
        flat = x.reshape(*x.shape[:2], -1)
        return [
            self.xp.take_along_axis(flat, corner[:, None], axis=2).reshape(x.shape)
            for corner in self._corners
        ]

    def _weights(self) -> list[Array]:
        across, down = self._across, self._down
        return [
            (1 - across) * (1 - down),
            across * (1 - down),
            (1 - across) * down,
            across * down,
        ]

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        xp, x = self.xp, bottom[0].data
        dy = xp.where(self._inside, top[0].diff, 0)
        if propagate_down[0]:
            images, channels, *size = x.shape
            pixels = size[0] * size[1]
            target = self.ops.zeros((images * pixels, channels))
            first = xp.arange(images)[:, None] * pixels
            for weight, corner in zip(self._weights(), self._corners, strict=True):
                rows = (weight * dy).transpose(0, 2, 3, 1).reshape(-1, channels)
                ids = (first + corner).reshape(-1).astype("int32")
                self.ops.scatter_add(target, ids, xp.ascontiguousarray(rows))
            bottom[0].diff[...] = target.reshape(images, *size, channels).transpose(0, 3, 1, 2)
        if propagate_down[1]:
            upper_left, upper_right, lower_left, lower_right = self._fetch(x)
            across, down = self._across, self._down
            slope = (1 - down) * (upper_right - upper_left) + down * (lower_right - lower_left)
            xp.sum(slope * dy, axis=1, out=bottom[1].diff[:, 0])
            slope = (1 - across) * (lower_left - upper_left) + across * (lower_right - upper_right)
            xp.sum(slope * dy, axis=1, out=bottom[1].diff[:, 1])
