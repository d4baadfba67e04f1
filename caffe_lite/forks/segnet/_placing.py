"""Pixels placed by a pooling mask in a larger image: what Upsample and Unpooling share."""

from math import prod

from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Blobs, Pair


class PlacingLayer(Layer):
    """Base of layers that put each pixel of bottom[0] where the mask in bottom[1] says.

    A mask holds h * W + w for each pixel, as MAX pooling makes it, with W the top's width.
    """

    no_gradient = (1,)
    spatial = True

    def prepare_places(self, bottom: Blobs, top: Blobs, size: Pair) -> None:
        """Give the top its shape, `size` pixels a channel, and take workspaces."""
        shape = bottom[0].shape
        if bottom[1].shape != shape:
            raise self.fail(
                f"the mask (bottom[1]) must have bottom[0]'s shape {shape}, got {bottom[1].shape}"
            )
        top[0].reshape(*shape[:2], *size)
        self._planes = (prod(shape[:2]), prod(shape[2:]))
        self._plane = prod(size)
        self._places = self.ops.empty(self._planes, "int64")
        starts = self.xp.arange(self._planes[0], dtype="int64") * self._plane
        self._starts = starts.reshape(-1, 1)

    def place(self, x: Array, mask: Array, y: Array) -> None:
        """y = x at the places of the mask, 0 elsewhere."""
        self._require_whole(
            mask,
            self._plane,
            f"the mask must hold places in the top, 0 to {self._plane - 1}; its pooling must have "
            "had a bottom of the top's size",
        )
        self._places[...] = mask.reshape(self._planes)
        self._places += self._starts
        y[...] = 0
        y.reshape(-1)[self._places] = x.reshape(self._planes)

    def collect(self, dy: Array, dx: Array) -> None:
        """dx = dy at the places of the mask of the last `place`."""
        dx.reshape(self._planes)[...] = dy.reshape(-1)[self._places]

    def require_image(self, bottom: Blobs) -> None:
        """Fail unless bottom[0] has the axes (N, C, H, W)."""
        self.require_elements(bottom)
        if len(bottom[0].shape) != 4:
            raise self.fail(f"needs a bottom of 4 axes (N, C, H, W), got shape {bottom[0].shape}")
