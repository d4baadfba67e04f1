"""ScaleRoute: the regions of one range of sizes, for one level of a pyramid; on the host."""

import numpy as np

from caffe_lite.forks.mscnn._rows import RowChoice
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("ScaleRoute")
class ScaleRoute(RowChoice):
    """Passes on the regions whose scale is in [low_scale, high_scale), and what goes with them.

    The scale of a region is the root of its area in pixels; a limit that is not given is none. If
    no region is in the range, the one nearest to its middle is passed on: the geometric mean of the
    limits, or the only limit, or 256. Cai and Vasconcelos, Cascade R-CNN, CVPR 2018. Runs on the
    host.

    bottom[0]  rois  (R, 5, ...)  rows (image, x1, y1, x2, y2), both corners inside
    bottom[i]  x_i   (R, ...)     any number of blobs of as many rows
    top[0]     rois  (K, 5, ...)  in the order of the bottom
    top[i]     y_i   (K, ...)     the same rows of x_i

    It has no gradient; K changes from batch to batch.

    Source: zhaoweicai/cascade-rcnn

    Example::

        layer { name: "route" type: "ScaleRoute" bottom: "rois" bottom: "labels"
                top: "rois_small" top: "labels_small" scale_route_param { high_scale: 112 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.scale_route_param
        low, high = param.HasField("low_scale"), param.HasField("high_scale")
        self._low = param.low_scale if low else 0.0
        self._high = param.high_scale if high else np.inf
        if (low and not self._low > 0) or not self._high >= self._low or not self._high > 0:
            raise self.fail(
                "low_scale must be positive and high_scale no less, got "
                f"{param.low_scale:g} and {param.high_scale:g}"
            )
        ends = [end for end, given in ((self._low, low), (self._high, high)) if given]
        self._middle = float(np.exp(np.mean(np.log(ends)))) if ends else 256.0

    def choose(self, bottom: Blobs, regions: Array) -> Array:
        sides = regions[:, 3:] - regions[:, 1:3] + 1
        scales = np.sqrt(np.where((sides < 1).any(axis=1), 0, sides.prod(axis=1)))
        chosen = np.flatnonzero((scales >= self._low) & (scales < self._high))
        if len(chosen):
            return chosen
        distances = abs(np.log2(np.maximum(scales, np.finfo(float).tiny) / self._middle))
        return np.array([np.nanargmin(np.where(np.isnan(distances), np.inf, distances))])
