"""Layers that pass on some rows of several blobs, on the host."""

import numpy as np

from caffe_lite.layers.base import Layer
from caffe_lite.types import Array, Blobs, Flags


class RowChoice(Layer):
    """Base of layers that copy the same rows of some bottoms to tops; `choose` says which."""

    bottoms = (1, None)
    tops = (1, None)
    host_side = True
    varying_axis = 0
    first_copied = 0  # the bottom that goes to top[0]

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        copied, regions = bottom[self.first_copied :], bottom[self.first_copied]
        if len(copied) != len(top):
            raise self.fail(f"needs one top for each of {len(copied)} bottoms, got {len(top)}")
        count = regions.shape[0] if regions.shape else 0
        if regions.count != count * 5 or any(blob.shape[:1] != (count,) for blob in bottom):
            raise self.fail(
                f"needs regions (R, 5) in bottom[{self.first_copied}] and R rows in each bottom, "
                f"got shapes {', '.join(str(blob.shape) for blob in bottom)}"
            )
        for blob, source in zip(top, copied, strict=True):
            blob.reshape(*source.shape)

    def choose(self, bottom: Blobs, regions: Array) -> Array:
        """The indices of the rows that are passed on, for regions (R, 5) on the host."""
        raise NotImplementedError

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        copied = bottom[self.first_copied :]
        regions = self.ops.to_host(copied[0].data).reshape(-1, 5).astype(float)
        chosen = self.choose(bottom, regions)
        index = self.xp.asarray(np.asarray(chosen, np.int32))
        for blob, source in zip(top, copied, strict=True):
            blob.reshape(len(chosen), *source.shape[1:])
            blob.data[...] = source.data[index]

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        self._zero_gradient(propagate_down, bottom)
