"""InnerDistance: distances of items from learned or given rows."""

from math import prod

from caffe_lite.forks.faces._rows import rows_of, scale_rows
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("InnerDistance")
class InnerDistance(Layer):
    """The distance of each item from each row of W, where InnerProduct has their product:
    y[m, n] = sum (x[m] - W[n])^2, or sum |x[m] - W[n]| with `distance_type: "L1"`.

    With `normalize: true` every forward pass divides each row of the learned W by its length,
    sqrt(sum w^2 + 1e-6). With `update_center_only: true` the last bottom holds labels, and row n
    learns from the items of class n alone.

    bottom[0]  x      (d0, ..., K axes)
    bottom[1]  W      (N, ...)  optional: K numbers in each row, in place of the learned ones
    bottom[]   label  (M,)      with `update_center_only`; takes no gradient
    top[0]     y      (d0, ..., N)  N = num_output, or the rows of bottom[1]
    blobs[0]   W      (N, K)    unless bottom[1] gives it

    The gradient of W is that of the distances alone, without the scaling, as in the fork.
    `transpose` is refused, as it is unfinished there.

    Differences from caffe-windows: L1 gradients follow the formula; there they are right only
    where the gradient of the top is 1. With `update_center_only` and a learned W its layer reads
    the labels as W.

    Source: happynear/caffe-windows

    Example::

        layer { name: "distances" type: "InnerDistance" bottom: "fc5" top: "distances"
                inner_distance_param { num_output: 4 distance_type: "L2"
                                       weight_filler { type: "gaussian_unitball" } } }
    """

    bottoms = (1, 3)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.inner_distance_param
        self._given = len(bottom) - param.update_center_only == 2
        if len(bottom) - param.update_center_only not in (1, 2):
            raise self.fail(
                f"takes items, perhaps rows, and labels with update_center_only alone; got "
                f"{len(bottom)} bottoms"
            )
        if param.transpose or param.distance_type not in ("L1", "L2"):
            raise self.fail(
                'distance_type must be "L1" or "L2" and transpose false, got '
                f'"{param.distance_type}" and {param.transpose}'
            )
        _, size = rows_of(self, bottom[0], param.axis)
        if not self._given and not self.blobs:
            if not param.num_output:
                raise self.fail("num_output must be at least 1, got 0")
            self.add_blob((param.num_output, size), param.weight_filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        param = self.param.inner_distance_param
        count, size = rows_of(self, bottom[0], param.axis)
        weight = bottom[1] if self._given else self.blobs[0]
        rows = prod(weight.shape[:1])
        if weight.count != rows * size:
            raise self.fail_shape(
                0,
                (count, weight.count // max(rows, 1)),
                f"{size} numbers (axes from {param.axis} on) do not fit rows of shape "
                f"{weight.shape}",
            )
        if param.update_center_only and bottom[-1].count != count:
            raise self.fail(
                f"needs one label per item ({count}), got {bottom[-1].count} (shape "
                f"{bottom[-1].shape})"
            )
        axis = self.canonical_axis(param.axis, len(bottom[0].shape))
        top[0].reshape(*bottom[0].shape[:axis], rows)
        self._views = (count, size), (rows, size), (count, rows)
        self._slope = self.ops.empty((count, rows))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        param, xp = self.param.inner_distance_param, self.xp
        if param.normalize and not self._given:
            scale_rows(self, self.blobs[0].data)
        x, weight, y = self._arrays(bottom, top)
        for n, row in enumerate(weight):  # N small; an array (M, N, K) would be large
            difference = x - row
            terms = abs(difference) if param.distance_type == "L1" else difference * difference
            xp.sum(terms, axis=1, out=y[:, n])

    def _arrays(self, bottom: Blobs, top: Blobs) -> tuple[Array, Array, Array]:
        items, rows, distances = self._views
        weight = bottom[1] if self._given else self.blobs[0]
        return (
            bottom[0].data.reshape(items),
            weight.data.reshape(rows),
            top[0].data.reshape(distances),
        )

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        param = self.param.inner_distance_param
        if param.update_center_only and propagate_down[-1]:
            raise self.fail("cannot backpropagate to its labels, the last bottom")
        wanted = propagate_down[1] if self._given else self.needs_param_diff(0)
        dy = top[0].diff.reshape(self._views[2])
        if propagate_down[0]:
            bottom[0].diff[...] = 0
            self._add(bottom, top, dy, bottom[0].diff.reshape(self._views[0]), items=True)
        if wanted:
            blob = bottom[1] if self._given else self.blobs[0]
            if self._given:
                blob.diff[...] = 0
            if param.update_center_only:
                labels = bottom[-1].data.reshape(-1, 1)
                rows = self.xp.arange(self._views[1][0])
                dy = self.xp.multiply(dy, self.xp.trunc(labels) == rows, out=self._slope)
            self._add(bottom, top, dy, blob.diff.reshape(self._views[1]), items=False)

    def _add(self, bottom: Blobs, top: Blobs, dy: Array, to: Array, items: bool) -> None:
        """Add the gradient of x, or of W, to an array."""
        x, weight, _ = self._arrays(bottom, top)
        signs = self.param.inner_distance_param.distance_type == "L1"
        for n, row in enumerate(weight):
            difference = x - row
            slope = self.xp.sign(difference) if signs else 2 * difference
            slope *= dy[:, n : n + 1]
            if items:
                to += slope
            else:
                to[n] -= slope.sum(axis=0)
