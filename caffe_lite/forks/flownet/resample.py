"""Resample: an image in another size."""

from caffe_lite.forks.flownet._filters import apply, resampling
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Blobs

Types = schema.ResampleParameter


@register("Resample")
class Resample(Layer):
    """The bottom in another size, by its nearest pixels or a linear or cubic filter.

    The pixel of row i and column j takes its value at row i H / H' + W / W' / 2 - 1/2 and column
    j W / W' + H / H' / 2 - 1/2. LINEAR is a triangle, CUBIC the cubic filter of slope -1/2; where
    the top is smaller and `antialias` is set, they are widened. Filters are cut at the border and
    their weights divided by their sum.

    bottom[0]  x     (N, C, H, W)
    bottom[1]  size  (..., H', W')    optional: its values are not read; no gradient
    top[0]     y     (N, C, H', W')   no gradient goes to x, as in FlowNet

    Without bottom[1] the size is `height` and `width`, or `factor` times that of the bottom.

    Differences from FlowNet: `factor`, which it ignores.

    Source: lmb-freiburg/flownet2

    Example::

        layer { name: "up" type: "Resample" bottom: "flow" top: "up"
                resample_param { width: 12 height: 8 type: LINEAR } }
    """

    spatial = True
    bottoms = (1, 2)
    no_gradient = (0, 1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.resample_param
        if param.type == Types.AREA:
            raise self.fail("type must be NEAREST, LINEAR or CUBIC, got AREA")
        if param.factor <= 0:
            raise self.fail(f"factor must be above 0, got {param.factor:g}")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom[:1])
        param, shape = self.param.resample_param, bottom[0].shape
        if len(shape) != 4 or (len(bottom) > 1 and len(bottom[1].shape) != 4):
            raise self.fail(
                f"needs bottoms of 4 axes (N, C, H, W), got {[each.shape for each in bottom]}"
            )
        if len(bottom) > 1:
            size = bottom[1].shape[2:]
        elif param.HasField("height") or param.HasField("width"):
            size = (param.height, param.width)
        else:
            size = tuple(int(side * param.factor) for side in shape[2:])
        if min(size) < 1:
            raise self.fail(f"the top must be at least 1 x 1, got {size[0]} x {size[1]}")
        kind = Types.ResampleType.Name(param.type)
        made = resampling(shape[2:], size, kind, param.antialias)
        self._rows, self._columns = (self.ops.asarray(each) for each in made)
        top[0].reshape(*shape[:2], *size)
        self._work = self.ops.empty((*shape[:2], size[0], shape[3]))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        apply(self.xp, self._rows, self._columns, bottom[0].data, top[0].data, self._work)
