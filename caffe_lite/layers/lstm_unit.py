"""LSTMUnit: one step of an LSTM cell, from its pre-activations."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags


@register("LSTMUnit")
class LSTMUnit(Layer):
    """One step of long short-term memory after its matrix products.

        c = cont sigmoid(f) c_prev + sigmoid(i) tanh(g);  h = sigmoid(o) tanh(c)

    bottom[0]  c_prev      (1, N, H)
    bottom[1]  i, f, o, g  (1, N, 4 H)  pre-activations, one gate after the other
    bottom[2]  cont        (1, N)       0 where a sequence begins, else 1; no gradient
    top[0]     c           (1, N, H)
    top[1]     h           (1, N, H)

    Backward: with the activations i, f, o, g, dc' = dc + dh o (1 - tanh(c)^2); the pre-activations
    get (dc' g i (1 - i), dc' cont c_prev f (1 - f), dh tanh(c) o (1 - o), dc' i (1 - g^2)), and
    dc_prev = dc' cont f. Kept from forward: the gates' activations; c is read from the top.

    Differences from Caffe: where cont is neither 0 nor 1 the gradient is that of the formula, where
    Caffe's takes cont sigmoid(f) for the gate's activation.

    Caffe: src/caffe/layers/lstm_unit_layer.cpp

    Example::

        layer { name: "unit" type: "LSTMUnit" bottom: "c_prev" bottom: "gates" bottom: "cont"
                top: "c" top: "h" }
    """

    bottoms = (3, 3)
    tops = (2, 2)
    no_gradient = (2,)

    def top_data_in_backward(self, in_place: bool) -> str:
        return "values"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        if len(shape) != 3 or shape[0] != 1:
            raise self.fail(f"bottom[0] must have shape (1, N, H), got {shape}")
        for i, needed in ((1, (1, shape[1], 4 * shape[2])), (2, shape[:2])):
            if bottom[i].shape != needed:
                raise self.fail(
                    f"bottom[{i}] must have shape {needed} beside a bottom[0] of shape "
                    f"{shape}, got {bottom[i].shape}"
                )
        for blob in top:
            blob.reshape(*shape)
        self._gates = self.ops.empty(bottom[1].shape[1:])
        self._dgates, self._dc_prev = self.ops.empty(self._gates.shape), self.ops.empty(shape[1:])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self._gates[...] = bottom[1].data[0]
        self.ops.lstm_unit(
            self._gates, bottom[0].data[0], bottom[2].data[0], top[0].data[0], top[1].data[0]
        )

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[2]:
            raise self.fail(
                "cannot backpropagate to the sequence indicators (bottom[2]); set "
                "propagate_down: false for them, or cut the branch that makes them"
            )
        if not any(propagate_down):
            return
        dc_prev = bottom[0].diff[0] if propagate_down[0] else self._dc_prev
        dgates = bottom[1].diff[0] if propagate_down[1] else self._dgates
        self.ops.lstm_unit_grad(
            self._gates,
            bottom[0].data[0],
            bottom[2].data[0],
            top[0].data[0],
            top[0].diff[0],
            top[1].diff[0],
            dgates,
            dc_prev,
        )
