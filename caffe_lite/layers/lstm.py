"""LSTM: long short-term memory over sequences."""

from caffe_lite.blob import Blob
from caffe_lite.layers._recurrent import RecurrentLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs


@register("LSTM")
class LSTM(RecurrentLayer):
    """Long short-term memory over T steps of N streams, with sequence indicators.

        i, f, o, g = W_xc x_t + b_c (+ W_xc_static x_static) + W_hc (cont_t h_{t-1})
        c_t = cont_t sigmoid(f) c_{t-1} + sigmoid(i) tanh(g)
        h_t = sigmoid(o) tanh(c_t)

    bottom[0]  x         (T, N, ...)  D inputs per step and stream
    bottom[1]  cont      (T, N)       0 where a sequence begins, else 1; no gradient
    bottom[2]  x_static  (N, ...)     optional: D_s inputs for every step of a stream
    then       h_0, c_0  (1, N, H)    only with expose_hidden: true; their gradient is zero
    top[0]     h         (T, N, H)    H = num_output
    then       h_T, c_T  (1, N, H)    only with expose_hidden: true; their diffs are not read
    blobs      W_xc (4 H, D), b_c (4 H,), [W_xc_static (4 H, D_s)], W_hc (4 H, H)

    Backward: with the activations i, f, o, g of step t, from the last step to the first, dh_t =
    dy_t + cont_{t+1} W_hc^T dpre_{t+1} and dc_t = dh_t o (1 - tanh(c_t)^2) + cont_{t+1} f_{t+1}
    dc_{t+1}; dpre_t = (dc_t g i (1 - i), dc_t cont_t c_{t-1} f (1 - f), dh_t tanh(c_t) o (1 - o),
    dc_t i (1 - g^2)). Then dx_t = W_xc^T dpre_t, dW_xc += sum of dpre_t x_t^T, db_c += sum of
    dpre_t, dW_hc += sum of dpre_t (cont_t h_{t-1})^T, and for the static input the same with the
    sum of dpre_t over t. Kept from forward: the gates' activations, c_t and cont_t h_{t-1} of all
    steps (`activations`).

    The rows of the blobs are the four gates in the order i, f, o, g. Without expose_hidden h and c
    of the last step are carried to the next forward, which continues from them where cont is 1; the
    gradient is cut there. `reset()` forgets them. T and N may change between forwards: with fewer
    streams the first ones continue, with more all begin at zero.

    Differences from Caffe: T may change; where cont is neither 0 nor 1 the gradient is that of the
    formula, where Caffe's takes cont sigmoid(f) for the gate's activation. What has lr_mult: 0 gets
    no gradient; Caffe computes it, and counts it in the norm that `clip_gradients` limits.

    Hochreiter and Schmidhuber, Neural Computation 1997; the variant is that of Zaremba and
    Sutskever 2014, without peepholes.

    Caffe: src/caffe/layers/recurrent_layer.cpp, lstm_layer.cpp, lstm_unit_layer.cpp

    Example::

        layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
                recurrent_param { num_output: 5 weight_filler { type: "uniform" min: -0.1 max: 0.1 }
                                  bias_filler { type: "constant" } } }
    """

    reads = ("recurrent_param",)
    gates = 4
    states = 2

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self._cells, self._dc = Blob(self.ops), Blob(self.ops)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._cells.reshape(self._steps + 1, self._streams, self._hidden)
        self._dc.reshape(self._streams, self._hidden)

    @property
    def activations(self) -> dict[str, Array]:
        """Of the last forward, each (T, N, H): the gates i, f and o after their sigmoid, the
        candidate g after tanh, and the cell state c. They are views until the next forward.
        """
        gates = self._pre.data.reshape(self._steps, self._streams, 4, self._hidden)
        found = {name: gates[:, :, k] for k, name in enumerate("ifog")}
        return {**found, "c": self._cells.data[1:]}

    def run(self, states: list[Array], cont: Array, y: Array) -> list[Array]:
        gemm, lstm_unit = self.ops.gemm, self.ops.lstm_unit
        weight = self.blobs[self.w_hidden].data
        h_cont, pre = self._views("h_cont", self._h_cont.data), self._views("pre", self._pre.data)
        cells, hs = self._views("cells", self._cells.data), self._views("y", y)
        conts = self._views("cont", cont)
        h, cells[0][...] = states
        self.xp.multiply(h, conts[0].reshape(-1, 1), out=h_cont[0])
        for t in range(self._steps):
            gemm(h_cont[t], weight, pre[t], trans_b=True, accumulate=True)
            to_next = (conts[t + 1], h_cont[t + 1]) if t + 1 < self._steps else ()
            lstm_unit(pre[t], cells[t], conts[t], cells[t + 1], hs[t], *to_next)
        return [hs[-1], cells[-1]]

    def run_grad(self, cont: Array, dy: Array) -> None:
        weight, dc, dh_next = self.blobs[self.w_hidden].data, self._dc.data, self._dh_next.data
        pre, dpre = self._views("pre", self._pre.data), self._views("dpre", self._pre.diff)
        cells, dh = self._views("cells", self._cells.data), self._views("dy", dy)
        conts = self._views("cont", cont)
        dc[...] = 0
        for t in range(self._steps - 1, -1, -1):
            from_next = (dh_next, conts[t + 1]) if t + 1 < self._steps else ()
            self.ops.lstm_unit_grad(
                pre[t], cells[t], conts[t], cells[t + 1], dc, dh[t], dpre[t], dc, *from_next
            )
            if t:
                self.ops.gemm(dpre[t], weight, dh_next)
