"""CombinedMargin: the margins of SphereFace, ArcFace and CosFace in one."""

from caffe_lite.forks.faces._own_scores import OwnScoreLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array


@register("CombinedMargin")
class CombinedMargin(OwnScoreLayer):
    """Makes cos(m1 theta + m2) - m3 of the own class's cos(theta); other scores stay.

    bottom[0]  x      (N, C)  cosines, of unit features and unit weights, in (-1, 1)
    bottom[1]  label  (N,)    integers 0 ... C-1; takes no gradient
    top[0]     y      (N, C)

    The margins count in both phases; `transform_test` has no effect, as there. Deng et al.,
    ArcFace, CVPR 2019.

    Differences from arcface-caffe: labels below 0, which it passes over, are refused. A cosine
    outside [-1, 1] counts as the nearest bound; at the bounds the slope is that of a cosine 1e-6
    away.

    Source: xialuxi/arcface-caffe

    Example::

        layer { name: "margin" type: "CombinedMargin" bottom: "cosines" bottom: "label"
                top: "margin" combined_margin_param { m1: 1 m2: 0.3 m3: 0.2 } }
    """

    def change(self, own: Array) -> tuple[Array, Array]:
        xp, param = self.xp, self.param.combined_margin_param
        cosine = xp.clip(own, -1, 1)
        angle = param.m1 * xp.arccos(cosine) + param.m2
        inside = xp.clip(own, -1 + 1e-6, 1 - 1e-6)
        slope = param.m1 * xp.sin(angle) / xp.sqrt(1 - inside * inside)
        return xp.cos(angle) - param.m3, slope
