"""RNN: the plain recurrent network."""

from caffe_lite.blob import Blob
from caffe_lite.layers._recurrent import RecurrentLayer
from caffe_lite.layers.registry import register
from caffe_lite.types import AnyMessage, Array, Blobs


@register("RNN")
class RNN(RecurrentLayer):
    """Plain recurrent network over T steps of N streams, with sequence indicators.

        h_t = tanh(W_xh x_t + b_h (+ W_xh_static x_static) + W_hh (cont_t h_{t-1}))
        o_t = tanh(W_ho h_t + b_o)

    bottom[0]  x         (T, N, ...)  D inputs per step and stream
    bottom[1]  cont      (T, N)       0 where a sequence begins, else 1; no gradient
    bottom[2]  x_static  (N, ...)     optional: D_s inputs for every step of a stream
    then       h_0       (1, N, H)    only with expose_hidden: true; its gradient is zero
    top[0]     o         (T, N, H)    H = num_output
    then       h_T       (1, N, H)    only with expose_hidden: true; its diff is not read
    blobs      W_xh (H, D), b_h (H,), [W_xh_static (H, D_s)], W_hh (H, H), W_ho (H, H), b_o (H,)

    Backward: do'_t = dy_t (1 - o_t^2) is the gradient before the second tanh; from the last step to
    the first dh_t = W_ho^T do'_t + cont_{t+1} W_hh^T dpre_{t+1} and dpre_t = dh_t (1 - h_t^2). Then
    dx_t = W_xh^T dpre_t, dW_xh += sum of dpre_t x_t^T, dW_hh += sum of dpre_t (cont_t h_{t-1})^T,
    dW_ho += sum of do'_t h_t^T, and the biases the sums of dpre_t and do'_t. Kept from forward: h_t
    and cont_t h_{t-1} of all steps; o is read from the top.

    The hidden state is carried from one forward to the next as in LSTM.

    Differences from Caffe: T may change between forwards. What has lr_mult: 0 gets no gradient;
    Caffe computes it, and counts it in the norm that `clip_gradients` limits.

    Caffe: src/caffe/layers/recurrent_layer.cpp, rnn_layer.cpp

    Example::

        layer { name: "rnn" type: "RNN" bottom: "x" bottom: "cont" top: "o"
                recurrent_param { num_output: 5 weight_filler { type: "gaussian" std: 0.2 } } }
    """

    reads = ("recurrent_param",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        super().setup(bottom, top)
        self._h, self._o = Blob(self.ops), Blob(self.ops)

    def add_weights(self, param: AnyMessage) -> None:
        super().add_weights(param)
        self.add_blob((self._hidden, self._hidden), param.weight_filler)
        self.add_blob((self._hidden,), param.bias_filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self._h.reshape(self._steps, self._streams, self._hidden)
        self._o.reshape(self._steps, self._streams, self._hidden)

    def run(self, states: list[Array], cont: Array, y: Array) -> list[Array]:
        gemm, weight = self.ops.gemm, self.blobs[self.w_hidden].data
        h_cont, pre = self._views("h_cont", self._h_cont.data), self._views("pre", self._pre.data)
        conts, hs = self._views("cont", cont), self._views("h", self._h.data)
        self.xp.multiply(states[0], conts[0].reshape(-1, 1), out=h_cont[0])
        for t in range(self._steps):
            gemm(h_cont[t], weight, pre[t], trans_b=True, accumulate=True)
            to_next = (conts[t + 1], h_cont[t + 1]) if t + 1 < self._steps else ()
            self.ops.rnn_unit(pre[t], hs[t], *to_next)
        o = self._o.data.reshape(-1, self._hidden)
        gemm(self._h.data.reshape(o.shape), self.blobs[self.w_hidden + 1].data, o, trans_b=True)
        self.ops.add_bias(o, self.blobs[self.w_hidden + 2].data)
        self.ops.rnn_unit(o, o)
        y[...] = self._o.data
        return [hs[-1]]

    def run_grad(self, cont: Array, dy: Array) -> None:
        self._grad_output(dy)
        weight, dh_next = self.blobs[self.w_hidden].data, self._dh_next.data
        hs, dpre = self._views("h", self._h.data), self._views("dpre", self._pre.diff)
        conts, dh = self._views("cont", cont), self._views("dh", self._h.diff)
        for t in range(self._steps - 1, -1, -1):
            from_next = (dh_next, conts[t + 1]) if t + 1 < self._steps else ()
            self.ops.rnn_unit_grad(hs[t], dh[t], dpre[t], *from_next)
            if t:
                self.ops.gemm(dpre[t], weight, dh_next)

    def _grad_output(self, dy: Array) -> None:
        """From dy to h.diff, and to the gradients of W_ho and b_o."""
        index = self.w_hidden + 1
        o = self._o.data.reshape(-1, self._hidden)
        do = self._o.diff.reshape(o.shape)
        self.ops.rnn_unit_grad(o, dy.reshape(o.shape), do)
        self._add_weight_grad(index, do, self._h.data.reshape(do.shape))
        if self.needs_param_diff(index + 1):
            self.ops.sum_bias(do, self.blobs[index + 1].diff)
        self.ops.gemm(do, self.blobs[index].data, self._h.diff.reshape(do.shape))
