"""AdaCosAddmScale: ArcFace's margin, and a scale that follows the angles of the batch."""

from math import cos, log, pi, sqrt

from caffe_lite.forks.faces.cosin_addm import CosinAddm
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags, State


@register("AdaCosAddmScale")
class AdaCosAddmScale(CosinAddm):
    """CosinAddm's scores times a scale that each batch chooses anew.

        s = log(mean over items of sum over classes of exp(s' k x)) / cos(min(pi / 4, mean theta))

    s' is the scale of the batch before, sqrt(2) log(num_classes - 1) at first; k is 0 for the own
    class and 1 for others, and the mean of theta is over all scores. Zhang et al., AdaCos, CVPR
    2019.

    bottom[0]  x      (N, C)  cosines, of unit features and unit weights
    bottom[1]  label  (N,)    integers 0 ... C-1; takes no gradient
    top[0]     y      (N, C)

    The gradient takes s as a constant. s follows the batches of both phases.

    Differences from arcface-caffe: labels below 0, which it passes over, are refused.

    Source: xialuxi/arcface-caffe

    Example::

        layer { name: "margin" type: "AdaCosAddmScale" bottom: "cosines" bottom: "label"
                top: "margin" adacos_add_m_scale_param { m: 0.5 num_classes: 4 } }
    """

    reads = ("adacos_add_m_scale_param",)
    host_side = True  # the scale is a number that the host computes with

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        classes = self.param.adacos_add_m_scale_param.num_classes
        if not classes > 2:
            raise self.fail(f"num_classes must be above 2, got {classes:g}")
        self._scale = sqrt(2) * log(classes - 1)

    def _read_margin(self) -> float:
        return float(self.param.adacos_add_m_scale_param.m)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        xp, x = self.xp, bottom[0].data.reshape(self._view)
        angle = float(xp.arccos(xp.clip(x, -1, 1)).mean())
        others = xp.exp(self._scale * x)
        others[self._items, self._ids] = 1
        self._scale = log(float(others.sum()) / self._view[0]) / cos(min(angle, pi / 4))
        top[0].data[...] *= self._scale

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        if propagate_down[0]:
            dx: Array = bottom[0].diff
            dx *= self._scale

    def get_state(self) -> State:
        return {**super().get_state(), "scale": self._scale}

    def set_state(self, state: State) -> None:
        super().set_state(state)
        self._scale = state["scale"]
