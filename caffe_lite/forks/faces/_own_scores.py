"""What layers share that change the score of each item's own class."""

from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Blobs, Flags


class OwnScoreLayer(Layer):
    """Base of layers over scores (bottom[0]) and labels (bottom[1]) that keep all other scores.

    `change` gives the new scores of the own classes and the slope of these by the old ones.
    """

    bottoms = (2, 2)
    tops = (1, 1)
    no_gradient = (1,)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        if not bottom[0].shape:
            raise self.fail("needs scores (N, C) in bottom[0], got shape ()")
        count = bottom[0].shape[0]
        if bottom[1].count != count:
            raise self.fail_shape(
                1,
                (count,),
                f"needs one label per item ({count}), got {bottom[1].count} (shape "
                f"{bottom[1].shape})",
            )
        top[0].reshape(*bottom[0].shape)
        self._view = (count, bottom[0].count // count)
        self._ids = self.ops.empty((count,), "int32")
        self._items = self.xp.arange(count)

    def change(self, own: Array) -> tuple[Array, Array]:
        """New scores (N,) for the scores (N,) of the own classes, and the slope of each."""
        raise NotImplementedError

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        top[0].data[...] = bottom[0].data
        label, classes = bottom[1].data.reshape(-1), self._view[1]
        rule = f"labels must be integers from 0 to {classes - 1} (there are {classes} classes)"
        self._require_whole(label, classes, rule)
        self._ids[...] = label
        y = top[0].data.reshape(self._view)
        new, self._slope = self.change(y[self._items, self._ids])
        y[self._items, self._ids] = new

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[1]:
            raise self.fail("cannot backpropagate to its labels (bottom[1])")
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff
            dx = bottom[0].diff.reshape(self._view)
            dx[self._items, self._ids] = dx[self._items, self._ids] * self._slope
