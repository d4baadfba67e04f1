"""LabelSpecificAdd: AMSoftmax's margin on the score of the own class."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags, State


@register("LabelSpecificAdd")
class LabelSpecificAdd(Layer):
    """Adds `bias`, below 0 for a margin, to the score of each item's own class while training.

    A score that is not above -bias stays as it is. With `bias_base` the bias changes with the
    forward passes i, counted from `iteration` on: bias_base + (1 + bias_gamma i)^bias_power - 1,
    within [bias_min, bias_max]. Wang et al., Additive Margin Softmax for Face Verification, 2018.

    bottom[0]  x      (N, C)  scores
    bottom[1]  label  (N,)    integers 0 ... C-1; takes no gradient
    top[0]     y      (N, C)  may be bottom[0]; x while testing
    top[1]     bias   (1,)    optional; no gradient

    Source: happynear/caffe-windows

    Example::

        layer { name: "margin" type: "LabelSpecificAdd" bottom: "fc6" bottom: "label" top: "margin"
                label_specific_add_param { bias: -0.35 } }
    """

    bottoms = (2, 2)
    tops = (1, 2)
    no_gradient = (1,)
    tops_without_gradient = (1,)
    in_place = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._iteration = self.param.label_specific_add_param.iteration

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        if not bottom[0].shape:
            raise self.fail("needs scores (N, C) in bottom[0], got shape ()")
        count = bottom[0].shape[0]
        if bottom[1].count != count:
            raise self.fail(
                f"needs one label per item ({count}), got {bottom[1].count} (shape "
                f"{bottom[1].shape})"
            )
        top[0].reshape(*bottom[0].shape)
        for blob in top[1:]:
            blob.reshape(1)
        self._view = (count, bottom[0].count // count)
        self._ids = self.ops.empty((count,), "int32")
        self._items = self.xp.arange(count)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if top[0] is not bottom[0]:
            top[0].data[...] = bottom[0].data
        bias = self._bias()
        for blob in top[1:]:
            blob.data[...] = bias
        if not self.train:
            return
        label, classes = bottom[1].data.reshape(-1), self._view[1]
        rule = f"labels must be integers from 0 to {classes - 1} (there are {classes} classes)"
        self._require_whole(label, classes, rule)
        self._ids[...] = label
        y = top[0].data.reshape(self._view)
        own = y[self._items, self._ids]
        own += bias * (own > -bias)
        y[self._items, self._ids] = own

    def _bias(self) -> float:
        param = self.param.label_specific_add_param
        if not param.HasField("bias_base"):
            return float(param.bias)
        rising = param.bias_base + (1 + param.bias_gamma * self._iteration) ** param.bias_power - 1
        self._iteration += self.train
        return float(min(max(rising, param.bias_min), param.bias_max))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[1]:
            raise self.fail("cannot backpropagate to its labels (bottom[1])")
        if propagate_down[0] and top[0] is not bottom[0]:
            bottom[0].diff[...] = top[0].diff

    def get_state(self) -> State:
        return {**super().get_state(), "iteration": self._iteration}

    def set_state(self, state: State) -> None:
        super().set_state(state)
        self._iteration = state["iteration"]
