"""Interp: bilinear resizing between corner pixels."""

from typing import NamedTuple

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags, Pair


class _Taps(NamedTuple):
    """Along one axis, the two source indices of each target index, and the weight of the second."""

    first: list[int]
    second: list[int]
    weight: list[float]


@register("Interp")
class Interp(Layer):
    """Bilinear interpolation between corners: pixel i of n' is read at i (n - 1) / (n' - 1).

    bottom[0]  x  (N, C, H, W)
    top[0]     y  (N, C, H', W')

    The first of these that is given decides the size, for a side of n pixels:

        shrink_factor   (n - 1) / shrink_factor + 1, rounded down
        zoom_factor     (n - 1) * zoom_factor + 1
        height, width   as they say
        both factors    shrunk, then zoomed

    `pad_beg` and `pad_end`, 0 or negative, cut off that many pixels at the beginning and the end of
    both sides first. Chen et al., DeepLab, PAMI 2018.

    Source: hszhao/PSPNet, cdmh/deeplab-public-ver2

    Example::

        layer { name: "interp" type: "Interp" bottom: "x" top: "y" interp_param { zoom_factor: 2 } }
    """

    spatial = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.interp_param
        for field in ("pad_beg", "pad_end"):
            if getattr(param, field) > 0:
                raise self.fail(
                    f"{field} must be 0 or negative (it crops), got {getattr(param, field)}"
                )
        for field in ("shrink_factor", "zoom_factor"):
            if getattr(param, field) < 1:
                raise self.fail(f"{field} must be at least 1, got {getattr(param, field)}")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, param = bottom[0].shape, self.param.interp_param
        if len(shape) != 4:
            raise self.fail(f"needs a bottom of 4 axes (N, C, H, W), got shape {shape}")
        images, height, width = shape[0] * shape[1], shape[2], shape[3]
        cut = param.pad_beg + param.pad_end
        if min(height, width) + cut < 1:
            raise self.fail(f"pad_beg and pad_end cut off all of a bottom of shape {shape}")
        size = self._size((height + cut, width + cut))
        if min(size) < 1:
            raise self.fail(f"height and width must be at least 1, got {size}")
        top[0].reshape(*shape[:2], *size)
        rows = _taps(height + cut, size[0], -param.pad_beg)
        columns = _taps(width + cut, size[1], -param.pad_beg)
        # Columns first: the rows that are then copied whole are as long as the top's.
        lines = images * height
        self._pixels = self._numbers(columns, lines, width)
        self._lines = self._numbers(rows, images, height)
        self._across = self._weights(columns, (1, -1))
        self._down = self._weights(rows, (1, -1, 1))
        self._wide = [self.ops.empty((lines, size[1])) for _ in range(2)]
        self._tall = self.ops.empty((images, *size))

    def _size(self, bottom: Pair) -> Pair:
        param = self.param.interp_param
        shrinks, zooms = param.HasField("shrink_factor"), param.HasField("zoom_factor")
        sized = param.HasField("height") and param.HasField("width")
        if sized and shrinks == zooms:
            return param.height, param.width
        if not (shrinks or zooms):
            raise self.fail("give shrink_factor, zoom_factor, or both height and width")
        height, width = ((n - 1) // param.shrink_factor * param.zoom_factor + 1 for n in bottom)
        return height, width

    def _numbers(self, taps: _Taps, tables: int, size: int) -> list[Array]:
        """Row numbers of both taps in a table of `tables` * `size` rows, flat."""
        starts = self.xp.arange(tables, dtype="int32").reshape(-1, 1) * size
        return [
            (starts + self.xp.asarray(tap, dtype="int32")).reshape(-1)
            for tap in (taps.first, taps.second)
        ]

    def _weights(self, taps: _Taps, shape: tuple[int, ...]) -> list[Array]:
        second = self.ops.asarray(taps.weight).reshape(shape)
        return [1 - second, second]

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        ops, wide = self.ops, self._wide
        x, y = bottom[0].data.reshape(-1, 1), top[0].data.reshape(self._tall.shape)
        for numbers, weight, line in zip(self._pixels, self._across, wide, strict=True):
            ops.take(x, numbers, line.reshape(-1, 1))
            line *= weight
        wide[0] += wide[1]
        for numbers, weight, image in zip(self._lines, self._down, (y, self._tall), strict=True):
            ops.take(wide[0], numbers, image.reshape(-1, image.shape[2]))
            image *= weight
        y += self._tall

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        ops, wide, tall = self.ops, self._wide, self._tall
        dy, dx = top[0].diff.reshape(tall.shape), bottom[0].diff.reshape(-1, 1)
        wide[0][...] = 0
        for numbers, weight in zip(self._lines, self._down, strict=True):
            self.xp.multiply(dy, weight, out=tall)
            ops.scatter_add(wide[0], numbers, tall.reshape(-1, tall.shape[2]))
        dx[...] = 0
        for numbers, weight in zip(self._pixels, self._across, strict=True):
            self.xp.multiply(wide[0], weight, out=wide[1])
            ops.scatter_add(dx, numbers, wide[1].reshape(-1, 1))


def _taps(size: int, made: int, start: int) -> _Taps:
    """Taps of `made` targets in `size` pixels from `start` on."""
    step = (size - 1) / (made - 1) if made > 1 else 0.0
    places = [min(i * step, size - 1) for i in range(made)]
    first = [int(place) for place in places]
    return _Taps(
        [start + i for i in first],
        [start + min(i + 1, size - 1) for i in first],
        [place - i for place, i in zip(places, first, strict=True)],
    )
