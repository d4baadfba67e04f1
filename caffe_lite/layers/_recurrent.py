"""What LSTM and RNN share: inputs of all steps at once, carried states, gradients over time."""

from collections.abc import Sequence
from math import prod
from typing import ClassVar

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.types import AnyMessage, Array, Blobs, Flags, State


class StepViews:
    """A view per step (first axis) of each named array, rebuilt only when the array changes."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Array, list[Array]]] = {}

    def __call__(self, name: str, array: Array, *shape: int) -> list[Array]:
        """The views of `array`, each of `shape` if one is given."""
        kept = self._kept.get(name)
        if kept is None or kept[0] is not array:
            views = [array[t] for t in range(len(array))]
            kept = (array, [view.reshape(shape) for view in views] if shape else views)
            self._kept[name] = kept
        return kept[1]


class RecurrentLayer(Layer):
    """Base of LSTM and RNN over x (T, N, ...): T steps of N independent streams.

    Subclasses say how many `gates` (pre-activations per hidden unit) and `states` they have, each
    state (N, H) and carried from one forward to the next, and write `run` and `run_grad` over

        _pre      (T, N, gates * H) W_x x + b (+ W_static x_static) of all steps when `run` begins;
                                    its diff is the gradient to the pre-activations
        _h_cont   (T, N, H)         cont * h of the step before: what W_h multiplies
        _dh_next  (N, H)            the gradient to _h_cont of the next step

    With `expose_hidden` the states come as bottoms and go as tops, (1, N, H) each. No gradient
    passes through them, as none passes from one forward to the one before.
    """

    bottoms = (2, None)
    tops = (1, None)
    no_gradient = (1,)
    tops_without_gradient = (1, 2)  # the exposed states
    gates: ClassVar[int] = 1
    states: ClassVar[int] = 1

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.recurrent_param
        self.note_hint(param, "debug_info")
        self._hidden = param.num_output
        if self._hidden < 1:
            raise self.fail(f"num_output must be at least 1, got {self._hidden}")
        self.expose_hidden = param.expose_hidden
        exposed = self.states if self.expose_hidden else 0
        if len(bottom) - exposed not in (2, 3) or len(top) != 1 + exposed:
            raise self.fail(
                f"with expose_hidden: {str(self.expose_hidden).lower()} takes {2 + exposed} "
                f"bottoms, or {3 + exposed} with a static input, and makes {1 + exposed} tops; got "
                f"{len(bottom)} and {len(top)}"
            )
        self._static = len(bottom) - exposed == 3
        self._check_bottoms(bottom)
        self._num_input = prod(bottom[0].shape[2:])
        self._num_static = prod(bottom[2].shape[1:]) if self._static else 0
        if not self.blobs:
            self.add_weights(param)
        self._carried = [
            self.ops.zeros((bottom[0].shape[1], self._hidden)) for _ in range(self.states)
        ]
        self._views = StepViews()
        self._pre, self._h_cont, self._pre_static, self._dh_next = (
            Blob(self.ops) for _ in range(4)
        )

    def multiply_adds(self, bottom: Blobs, top: Blobs) -> int:
        """Each weight matrix counts once per step and stream, a static input's once per stream."""
        matrices = [blob.count for blob in self.blobs if len(blob.shape) > 1]
        static = matrices.pop(1) if self._static else 0
        return bottom[0].shape[1] * (self._steps * sum(matrices) + static)

    def add_weights(self, param: AnyMessage) -> None:
        """Create W_x, b, [W_static] and W_h, in this order."""
        rows = self.gates * self._hidden
        self.add_blob((rows, self._num_input), param.weight_filler)
        self.add_blob((rows,), param.bias_filler)
        if self._static:
            self.add_blob((rows, self._num_static), param.weight_filler)
        self.add_blob((rows, self._hidden), param.weight_filler)

    @property
    def w_hidden(self) -> int:
        """Index of W_h among the blobs."""
        return 3 if self._static else 2

    def _check_bottoms(self, bottom: Blobs) -> None:
        self.require_elements(bottom)
        x, cont = bottom[0].shape, bottom[1].shape
        if len(x) < 2:
            raise self.fail(f"bottom[0] must have shape (T, N, ...), got {x}")
        if cont != x[:2]:
            raise self.fail(
                f"bottom[1], the sequence indicators, must have shape (T, N) = {x[:2]}, got {cont}"
            )
        if self._static and bottom[2].shape[:1] != x[1:2]:
            raise self.fail(
                f"bottom[2], the static input, must have shape (N, ...) with N = "
                f"{x[1]}, got {bottom[2].shape}"
            )
        for i in range(3 if self._static else 2, len(bottom)):
            if bottom[i].shape != (1, x[1], self._hidden):
                raise self.fail(
                    f"bottom[{i}], a hidden state, must have shape "
                    f"{(1, x[1], self._hidden)}, got {bottom[i].shape}"
                )

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self._check_bottoms(bottom)
        for i, taken in ((0, self._num_input), (2, self._num_static)):
            given = prod(bottom[i].shape[2 if i == 0 else 1 :]) if taken else 0
            if given != taken:
                raise self.fail(
                    f"the weights take {taken} inputs per step from bottom[{i}], its "
                    f"shape {bottom[i].shape} gives {given}"
                )
        self._steps, self._streams = bottom[0].shape[:2]
        self._carry_on(self._streams)
        top[0].reshape(self._steps, self._streams, self._hidden)
        for blob in top[1:]:
            blob.reshape(1, self._streams, self._hidden)
        rows = self.gates * self._hidden
        self._pre.reshape(self._steps, self._streams, rows)
        self._h_cont.reshape(self._steps, self._streams, self._hidden)
        self._pre_static.reshape(self._streams, rows)
        self._dh_next.reshape(self._streams, self._hidden)

    def _carry_on(self, streams: int) -> None:
        """Adapt the carried states to a new number of streams as Caffe does.

        Shrinking the batch keeps the remaining states; growing it resets all states.
        """
        kept = len(self._carried[0])
        if streams < kept:
            self._carried = [self.ops.asarray(state[:streams]) for state in self._carried]
        elif streams > kept:
            self._carried = [self.ops.zeros((streams, self._hidden)) for _ in self._carried]

    def reset(self) -> None:
        """Set the carried states to zero, so that the next forward ignores the last one."""
        for state in self._carried:
            state[...] = 0

    def select_streams(self, indices: Sequence[int]) -> None:
        """Let stream i continue from the carried state of stream `indices[i]`.

        Streams may be reordered, repeated and dropped, as beam search does; the next forward takes
        as many as were selected.
        """
        if self.expose_hidden:
            raise self.fail("carries no state with expose_hidden: true; select rows of its tops")
        kept = len(self._carried[0])
        if not len(indices) or min(indices) < 0 or max(indices) >= kept:
            raise self.fail(
                f"streams to select must be one or more of 0 ... {kept - 1}, got "
                f"{list(indices)[:10]}"
            )
        ids = self.ops.asarray(indices, dtype="int32")
        for i, state in enumerate(self._carried):
            self._carried[i] = self.ops.empty((len(indices), self._hidden))
            self.ops.take(state, ids, self._carried[i])

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        pre = self._pre.data
        flat = pre.reshape(self._steps * self._streams, -1)
        x = bottom[0].data.reshape(len(flat), self._num_input)
        self.ops.gemm(x, self.blobs[0].data, flat, trans_b=True)
        self.ops.add_bias(flat, self.blobs[1].data)
        if self._static:
            x_static = bottom[2].data.reshape(self._streams, self._num_static)
            self.ops.gemm(x_static, self.blobs[2].data, self._pre_static.data, trans_b=True)
            self.xp.add(pre, self._pre_static.data, out=pre)
        states = self._carried
        if self.expose_hidden:
            states = [blob.data[0] for blob in bottom[-self.states :]]
        final = self.run(states, bottom[1].data, top[0].data)
        for i, state in enumerate(final):
            target = top[1 + i].data if self.expose_hidden else self._carried[i]
            target[...] = state

    def run(self, states: list[Array], cont: Array, y: Array) -> list[Array]:
        """Step from `states` through time, write y (T, N, H) and return the final states."""
        raise NotImplementedError

    def run_grad(self, cont: Array, dy: Array) -> None:
        """Fill `_pre.diff` from dy, step by step backward."""
        raise NotImplementedError

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[1]:
            raise self.fail(
                "cannot backpropagate to the sequence indicators (bottom[1]); set "
                "propagate_down: false for them, or cut the branch that makes them"
            )
        self.run_grad(bottom[1].data, top[0].diff)
        dpre = self._pre.diff.reshape(self._steps * self._streams, -1)
        x_shape = (len(dpre), self._num_input)
        self._add_weight_grad(0, dpre, bottom[0].data.reshape(x_shape))
        self._add_weight_grad(self.w_hidden, dpre, self._h_cont.data.reshape(-1, self._hidden))
        if self.needs_param_diff(1):
            self.ops.sum_bias(dpre, self.blobs[1].diff)
        if propagate_down[0]:
            self.ops.gemm(dpre, self.blobs[0].data, bottom[0].diff.reshape(x_shape))
        if self._static:
            self._backward_static(bottom[2], propagate_down[2])
        for i in range(3 if self._static else 2, len(bottom)):
            if propagate_down[i]:
                bottom[i].diff[...] = 0

    def _add_weight_grad(self, index: int, dpre: Array, x: Array) -> None:
        if self.needs_param_diff(index):
            self.ops.gemm(dpre, x, self.blobs[index].diff, trans_a=True, accumulate=True)

    def _backward_static(self, static: Blob, propagate: bool) -> None:
        dpre = self._pre_static.diff
        self.xp.sum(self._pre.diff, axis=0, out=dpre)
        shape = (self._streams, self._num_static)
        self._add_weight_grad(2, dpre, static.data.reshape(shape))
        if propagate:
            self.ops.gemm(dpre, self.blobs[2].data, static.diff.reshape(shape))

    def get_state(self) -> State:
        state = super().get_state()
        if not self.expose_hidden:
            state["carried"] = [self.ops.to_host(array).copy() for array in self._carried]
        return state

    def set_state(self, state: State) -> None:
        super().set_state(state)
        for mine, saved in zip(self._carried, state.get("carried", ()), strict=False):
            if mine.shape != saved.shape:
                raise self.fail(
                    f"the saved state is of {len(saved)} streams x {saved.shape[1]} "
                    f"units, the layer has {len(mine)} x {self._hidden}"
                )
            mine[...] = self.ops.asarray(saved)
