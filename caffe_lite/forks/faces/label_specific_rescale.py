"""LabelSpecificRescale: the own class's score and the others, times a weight each."""

from caffe_lite.forks.faces._own_scores import OwnScoreLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("LabelSpecificRescale")
class LabelSpecificRescale(OwnScoreLayer):
    """Multiplies each item's own score by `positive_weight`, the others by `negative_weight`.

    While testing, only with `rescale_test`; else the scores stay.

    bottom[0]  x      (N, C)  scores or distances
    bottom[1]  label  (N,)    integers 0 ... C-1; takes no gradient
    top[0]     y      (N, C)

    Differences from happynear's: bounds, weights that change with the iterations and `for_ip` are
    refused.

    Source: happynear/caffe-windows

    Example::

        layer { name: "rescale" type: "LabelSpecificRescale" bottom: "scores" bottom: "label"
                top: "rescale" label_specific_rescale_param { positive_weight: 2 } }
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.label_specific_rescale_param
        self._applies = self.train or param.rescale_test
        self._positive, self._negative = param.positive_weight, param.negative_weight

    def change(self, own: Array) -> tuple[Array, Array]:
        slope = self.xp.full(own.shape, self._positive if self._applies else 1.0, own.dtype)
        return own * slope, slope

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        super().forward(bottom, top)
        if self._applies and self._negative != 1:
            own = top[0].data.reshape(self._view)[self._items, self._ids]
            top[0].data[...] *= self._negative
            top[0].data.reshape(self._view)[self._items, self._ids] = own

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        if propagate_down[0] and self._applies and self._negative != 1:
            dx = bottom[0].diff.reshape(self._view)
            own = dx[self._items, self._ids]
            dx *= self._negative
            dx[self._items, self._ids] = own
