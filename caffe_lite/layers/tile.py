"""Repetition along an axis."""

from math import prod

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Tile")
class Tile(Layer):
    """The bottom repeated `tiles` times along `axis`: y = [x, x, ...].

    bottom[0]  x  (..., D, ...)
    top[0]     y  (..., tiles * D, ...)   D = size of `axis`

    Backward: dx = the sum of the copies' dy. Kept from forward: nothing.

    Caffe: src/caffe/layers/tile_layer.cpp

    Example::

        layer { name: "tile" type: "Tile" bottom: "x" top: "y" tile_param { axis: 2 tiles: 3 } }
    """

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        tiles, shape = self.param.tile_param.tiles, bottom[0].shape
        if tiles < 1:
            raise self.fail(f"tiles must be given and at least 1, got {tiles}")
        axis = self.canonical_axis(self.param.tile_param.axis, len(shape))
        top[0].reshape(*shape[:axis], tiles * shape[axis], *shape[axis + 1 :])
        self._view = (prod(shape[:axis]), tiles, prod(shape[axis:]))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        outer, _, inner = self._view
        self.ops.tile(bottom[0].data.reshape(outer, inner), top[0].data.reshape(self._view))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            outer, _, inner = self._view
            self.ops.tile_grad(
                top[0].diff.reshape(self._view), bottom[0].diff.reshape(outer, inner)
            )
