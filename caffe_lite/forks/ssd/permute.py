"""Permute: the axes of a blob in another order."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("Permute")
class Permute(Layer):
    """The bottom with its axes in another order, as NumPy's transpose gives it.

    `order` names the bottom's axes in the order of the top's. Axes that it does not name follow in
    their own order. Where nothing moves, the top shares the bottom's memory.

    bottom[0]  x  any shape of at least one axis
    top[0]     y  axis i is axis order[i] of x

    Source: weiliu89/caffe (branch ssd)

    Example::

        layer { name: "conv4_3_norm_mbox_loc_perm" type: "Permute" bottom: "conv4_3_norm_mbox_loc"
                top: "conv4_3_norm_mbox_loc_perm"
                permute_param { order: 0 order: 2 order: 3 order: 1 } }
    """

    spatial = True  # for want of a better sign: nets permute images of boxes or of text

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        named = list(self.param.permute_param.order)
        if any(axis >= len(shape) for axis in named) or len(set(named)) != len(named):
            raise self.fail(
                f"order must name axes of the bottom, 0 to {len(shape) - 1}, each at most once, "
                f"got {named}"
            )
        self._order = named + [axis for axis in range(len(shape)) if axis not in named]
        self._inverse = sorted(range(len(shape)), key=self._order.__getitem__)
        self._moves = self._order != sorted(self._order)
        top[0].reshape(*(shape[axis] for axis in self._order))
        if not self._moves:
            top[0].share_data(bottom[0])
            top[0].share_diff(bottom[0])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if self._moves:
            top[0].data[...] = bottom[0].data.transpose(self._order)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if self._moves and propagate_down[0]:
            bottom[0].diff[...] = top[0].diff.transpose(self._inverse)
