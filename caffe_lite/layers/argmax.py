"""Indices of the largest values."""

from math import prod

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("ArgMax")
class ArgMax(Layer):
    """Indices of the `top_k` largest values, the largest first; the last of equal values wins.

    bottom[0]  x  (N, ...)
    top[0]     y  without `axis`: (N, 1, top_k), the largest of each item's values, flattened;
                  with out_max_val (N, 2, top_k): indices, then values;
                  with `axis`: the shape of x with top_k in place of that axis, holding indices,
                  or values with out_max_val

    Without `axis` a bottom of more than 3 axes gives a top of as many, the rest being 1. It has no
    gradient. Indices are stored as floats.

    Caffe: src/caffe/layers/argmax_layer.cpp

    Example::

        layer { name: "best" type: "ArgMax" bottom: "x" top: "y" argmax_param { top_k: 2 axis: 1 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.argmax_param
        self._top_k, self._values = param.top_k, param.out_max_val
        self._has_axis = param.HasField("axis")
        if self._top_k < 1:
            raise self.fail(f"top_k must be at least 1, got {self._top_k}")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        if not shape:
            raise self.fail("bottom[0] needs at least one axis, got a scalar")
        if self._has_axis:
            axis = self.canonical_axis(self.param.argmax_param.axis, len(shape))
            candidates = shape[axis]
            self._view = (prod(shape[:axis]), candidates, prod(shape[axis + 1 :]))
            made = (*shape[:axis], self._top_k, *shape[axis + 1 :])
        else:
            candidates = prod(shape[1:])
            self._view = (shape[0], candidates, 1)
            rows = 2 if self._values else 1
            made = (shape[0], rows, self._top_k, *(1,) * (len(shape) - 3))
        if self._top_k > candidates:
            raise self.fail(
                f"top_k must be at most {candidates}, the number of values that "
                f"compete, got {self._top_k}"
            )
        top[0].reshape(*made)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp = self.xp
        x = bottom[0].data.reshape(self._view)
        if self._top_k == 1:
            # Searched from the end, so that the last of equal values is met first.
            order = x.shape[1] - 1 - x[:, ::-1].argmax(axis=1)[:, None]
        else:
            # A stable ascending order read from its end puts the later of equal values first.
            order = xp.argsort(x, axis=1, kind="stable")[:, : -self._top_k - 1 : -1]
        y = top[0].data
        if not self._values:
            y[...] = order.reshape(y.shape)
        elif self._has_axis:
            y[...] = xp.take_along_axis(x, order, axis=1).reshape(y.shape)
        else:
            pairs = y.reshape(len(x), 2, self._top_k)
            pairs[:, 0] = order[..., 0]
            pairs[:, 1] = xp.take_along_axis(x, order, axis=1)[..., 0]
