"""CosinAddm: ArcFace's margin, added to the angle to the own class."""

from math import cos, pi, sin

from caffe_lite.forks.faces._own_scores import OwnScoreLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("CosinAddm")
class CosinAddm(OwnScoreLayer):
    """Makes cos(theta + m) of the own class's cos(theta); other scores stay.

    Where theta + m exceeds pi, the score is cos(theta) - m sin(m) instead, so that it goes on
    falling. The margin counts in both phases. Deng et al., ArcFace, CVPR 2019.

    bottom[0]  x      (N, C)  cosines, of unit features and unit weights
    bottom[1]  label  (N,)    integers 0 ... C-1; takes no gradient
    top[0]     y      (N, C)

    A cosine above 1 counts as 1, where the slope is 1. `transform_test` has no effect, as there.

    Source: xialuxi/arcface-caffe, xxradon/PytorchToCaffe

    Example::

        layer { name: "margin" type: "CosinAddm" bottom: "cosines" bottom: "label" top: "margin"
                cosin_add_m_param { m: 0.5 } }
    """

    reads = ("cosin_add_m_param",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._margin = self._read_margin()
        if not 0 <= self._margin <= pi:
            raise self.fail(f"m must be an angle from 0 to pi, got {self._margin:g}")

    def _read_margin(self) -> float:
        return float(self.param.cosin_add_m_param.m)

    def change(self, own: Array) -> tuple[Array, Array]:
        xp, m = self.xp, self._margin
        cosine = xp.minimum(own, 1)
        sine = xp.sqrt(xp.maximum(1 - cosine * cosine, 0))
        beyond = cosine <= cos(pi - m)
        new = xp.where(beyond, cosine - m * sin(m), cosine * cos(m) - sine * sin(m))
        flat = beyond | (sine == 0)
        slope = xp.where(flat, 1, cos(m) + sin(m) * cosine / xp.where(flat, 1, sine))
        return new, slope
