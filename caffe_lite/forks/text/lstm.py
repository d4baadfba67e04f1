"""Lstm: a recurrent layer of LSTM units, with clipped gradients."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags, State


@register("Lstm")
class Lstm(Layer):
    """LSTM units over sequences of T steps, N side by side:

        i, f, o = s(W x_t + U h_{t-1} + b),  g = tanh(W x_t + U h_{t-1} + b)
        c_t = f c_{t-1} + i g,  h_t = o tanh(c_t)

    with the sigmoid s, each gate having its rows of W, U and b.

    bottom[0]  x     (T * N, ...)  step by step, N = `batch_size`; or (T, N, ...) of 3 axes or more
                                   where no batch_size is given, as CTPN has it
    bottom[1]  clip  T * N numbers  optional: 0 where a sequence begins; no gradient
    top[0]     h     (T * N, H)    or (T, N, H); H = `num_output`
    blobs[0]   W     (4 H, D)      gates i, f, o, g; D numbers of x in each step
    blobs[1]   U     (4 H, H)
    blobs[2]   b     (4 H,)

    Without `clip` every batch begins new sequences; with it a sequence continues with the state at
    the end of the last batch. Gradients stop at the batch's first step. With `clipping_threshold`
    those of the gates, before their nonlinearity, are cut to [-clipping_threshold,
    clipping_threshold].

    Differences from caffe-lstm: streams have their own recurrent terms, as on its GPU; its CPU
    gives all of them that of the first. The gradient of U leaves out steps at which a sequence
    begins, and counts the carried state of all sequences; there it is that of the first one alone.

    Source: junhyukoh/caffe-lstm

    Example::

        layer { name: "lstm" type: "Lstm" bottom: "data" bottom: "clip" top: "lstm"
                lstm_param { num_output: 5 batch_size: 2 clipping_threshold: 0.1
                             weight_filler { type: "gaussian" std: 0.1 } } }
    """

    bottoms = (1, 2)
    no_gradient = (1,)
    reads = ("lstm_param",)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param, shape = self.param.lstm_param, bottom[0].shape
        self.require_elements(bottom)
        if not shape:
            raise self.fail(f"needs a bottom of at least 1 axis, got shape {shape}")
        if not param.num_output or not param.batch_size:
            raise self.fail(
                f"needs num_output and batch_size of at least 1, got {param.num_output} and "
                f"{param.batch_size}"
            )
        self._by_step = len(shape) > 2 and not param.HasField("batch_size")
        self._size = bottom[0].count // (shape[0] * (shape[1] if self._by_step else 1))
        if not self.blobs:
            rows = 4 * param.num_output
            self.add_blob((rows, self._size), param.weight_filler)
            self.add_blob((rows, param.num_output), param.weight_filler)
            self.add_blob((rows,), param.bias_filler)
        self._carried = self.ops.zeros((2, 0, param.num_output))  # h and c after the last batch

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape, hidden = bottom[0].shape, self.param.lstm_param.num_output
        steps, batch = self._lengths(bottom)
        if bottom[0].count != steps * batch * self._size:
            raise self.fail(f"takes {self._size} numbers a step, got shape {shape}")
        if len(bottom) > 1 and bottom[1].count != steps * batch:
            raise self.fail(
                f"clip (bottom[1]) must have {steps * batch} numbers, got shape {bottom[1].shape}"
            )
        top[0].reshape(*((steps, batch) if self._by_step else (steps * batch,)), hidden)
        self._shape = (steps, batch, hidden)
        self._gates = self.ops.empty((steps, batch, 4, hidden))
        self._dgates = self.ops.empty((steps, batch, 4, hidden))
        self._cells, self._tanh = self.ops.empty(self._shape), self.ops.empty(self._shape)
        self._before = self.ops.zeros(self._shape)  # h of the step before, 0 where one begins
        self._cells_before = self.ops.zeros(self._shape)
        self._cont = self.ops.zeros((steps, batch, 1))
        if self._carried.shape[1] != batch:
            self._carried = self.ops.zeros((2, batch, hidden))

    def _lengths(self, bottom: Blobs) -> tuple[int, int]:
        shape, batch = bottom[0].shape, self.param.lstm_param.batch_size
        if len(shape) < (3 if self._by_step else 1):
            raise self.fail(f"needs a bottom of as many axes as at first, got shape {shape}")
        if self._by_step:
            return shape[0], shape[1]
        if shape[0] % batch:
            raise self.fail(f"batch_size {batch} does not divide the {shape[0]} steps of {shape}")
        return shape[0] // batch, batch

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, (steps, batch, hidden) = self.xp, self._shape
        weight, recurrent, bias = (blob.data for blob in self.blobs)
        gates, cont, carried = self._gates, self._cont, self._carried
        h = top[0].data.reshape(self._shape)
        flat = gates.reshape(steps * batch, 4 * hidden)
        xp.matmul(bottom[0].data.reshape(-1, self._size), weight.T, out=flat)
        flat += bias
        if len(bottom) > 1:
            cont[...] = (bottom[1].data != 0).reshape(cont.shape)
        else:
            cont[...] = 1
            cont[0] = 0
        for t in range(steps):
            h_before, c_before = (h[t - 1], self._cells[t - 1]) if t else carried
            xp.multiply(h_before, cont[t], out=self._before[t])
            xp.multiply(c_before, cont[t], out=self._cells_before[t])
            gate = gates[t]
            flat_gate = gate.reshape(batch, -1)
            flat_gate += self._before[t] @ recurrent.T
            sigmoids = gate[:, :3]
            sigmoids[...] = 0.5 * xp.tanh(0.5 * sigmoids) + 0.5  # cannot overflow
            xp.tanh(gate[:, 3], out=gate[:, 3])
            i, f, o, g = (gate[:, k] for k in range(4))
            cell = self._cells[t]
            xp.multiply(f, self._cells_before[t], out=cell)
            cell += i * g
            xp.tanh(cell, out=self._tanh[t])
            xp.multiply(o, self._tanh[t], out=h[t])
        carried[0], carried[1] = h[-1], self._cells[-1]

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        xp, (steps, batch, hidden) = self.xp, self._shape
        recurrent = self.blobs[1].data
        limit = self.param.lstm_param.clipping_threshold
        dtop = top[0].diff.reshape(self._shape)
        dh, dc = self.ops.zeros((batch, hidden)), self.ops.zeros((batch, hidden))
        for t in reversed(range(steps)):
            i, f, o, g = (self._gates[t][:, k] for k in range(4))
            d, tanh = self._dgates[t], self._tanh[t]
            dh += dtop[t]
            dc += dh * o * (1 - tanh * tanh)
            d[:, 0] = dc * g * i * (1 - i)
            d[:, 1] = dc * self._cells_before[t] * f * (1 - f)
            d[:, 2] = dh * tanh * o * (1 - o)
            d[:, 3] = dc * i * (1 - g * g)
            if limit > 0:
                xp.clip(d, -limit, limit, out=d)
            dc *= f
            dc *= self._cont[t]
            xp.matmul(d.reshape(batch, -1), recurrent, out=dh)
            dh *= self._cont[t]
        flat = self._dgates.reshape(steps * batch, 4 * hidden)
        inputs = (bottom[0].data.reshape(-1, self._size), self._before.reshape(-1, hidden))
        for k, given in enumerate(inputs):
            if self.needs_param_diff(k):
                dweight = self.blobs[k].diff
                dweight += flat.T @ given
        if self.needs_param_diff(2):
            dbias = self.blobs[2].diff
            dbias += flat.sum(axis=0)
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(-1, self._size)
            xp.matmul(flat, self.blobs[0].data, out=dx)

    def get_state(self) -> State:
        return {**super().get_state(), "carried": self.ops.to_host(self._carried).copy()}

    def set_state(self, state: State) -> None:
        super().set_state(state)
        if "carried" in state:
            self._carried = self.ops.asarray(state["carried"]).copy()
