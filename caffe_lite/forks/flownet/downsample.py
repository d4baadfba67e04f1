"""Downsample: an image made smaller, NaN left out."""

from caffe_lite.forks.flownet._filters import apply, corner_aligned_triangles
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs


@register("Downsample")
class Downsample(Layer):
    """The bottom in a smaller size: means weighted by triangles as wide as two of the top's pixels.

    The first and last pixels keep their places. NaN is left out of a mean; where it has more than
    half the weight of the rest, the pixel is NaN.

    bottom[0]  x     (N, C, H, W)
    bottom[1]  size  (..., H', W')    optional: its values are not read; no gradient
    top[0]     y     (N, C, H', W')   no gradient goes to x, as in FlowNet

    Without bottom[1] the size is `top_height` and `top_width`. A top of the bottom's size is a
    copy.

    Source: lmb-freiburg/flownet2

    Example::

        layer { name: "down" type: "Downsample" bottom: "flow" top: "down"
                downsample_param { top_height: 3 top_width: 4 } }
    """

    spatial = True
    bottoms = (1, 2)
    no_gradient = (0, 1)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom[:1])
        param, shape = self.param.downsample_param, bottom[0].shape
        if len(shape) != 4 or (len(bottom) > 1 and len(bottom[1].shape) != 4):
            raise self.fail(
                f"needs bottoms of 4 axes (N, C, H, W), got {[each.shape for each in bottom]}"
            )
        size = bottom[1].shape[2:] if len(bottom) > 1 else (param.top_height, param.top_width)
        if min(size) < 1:
            raise self.fail(f"the top must be at least 1 x 1, got {size[0]} x {size[1]}")
        self._copies = size == shape[2:]
        made = [corner_aligned_triangles(*each) for each in zip(shape[2:], size, strict=True)]
        self._rows, self._columns = (self.ops.asarray(each) for each in made)
        top[0].reshape(*shape[:2], *size)
        self._known = self.ops.empty(shape)
        self._work = self.ops.empty((*shape[:2], size[0], shape[3]))
        self._weight = self.ops.empty(top[0].shape)
        self._whole = self._rows.sum(axis=1)[:, None] * self._columns.sum(axis=1)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, x, y = self.xp, bottom[0].data, top[0].data
        if self._copies:
            y[...] = x
            return
        known = ~xp.isnan(x)
        self._known[...] = known
        apply(xp, self._rows, self._columns, self._known, self._weight, self._work)
        apply(xp, self._rows, self._columns, xp.where(known, x, 0), y, self._work)
        y /= self._weight
        xp.copyto(y, xp.nan, where=(self._whole - self._weight) / self._weight > 0.5)
