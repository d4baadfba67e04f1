"""Embed: rows of a table, looked up by integers."""

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Blobs, Flags

PADDING = -1


@register("Embed")
class Embed(Layer):
    """Row lookup: top = W[ids] + b.

    bottom[0]  ids   (d0, ...)      integers 0 ... K-1, stored as floats; takes no gradient
    top[0]     rows  (d0, ..., N)   N = num_output
    blobs[0]   W     (K, N)         K = input_dim
    blobs[1]   b     (N,)           absent with bias_term: false

    Backward: dW[k] += sum of the drows whose id is k; db += sum of all drows. Kept from forward:
    the ids as integers.

    An id of -1 is padding, as after the sentences of LRCN's caption files: its row is of zeros.

    Differences from Caffe: for -1 Caffe reads the memory before W.

    Caffe: src/caffe/layers/embed_layer.cpp

    Example::

        layer { name: "embed" type: "Embed" bottom: "ids" top: "rows"
                embed_param { input_dim: 11 num_output: 5
                              weight_filler { type: "uniform" min: -0.1 max: 0.1 } } }
    """

    no_gradient = (0,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.embed_param
        self._num_output, self.input_dim = param.num_output, param.input_dim
        self._bias_term = param.bias_term
        for field in ("num_output", "input_dim"):
            if getattr(param, field) < 1:
                raise self.fail(f"{field} must be at least 1, got {getattr(param, field)}")
        if self.blobs:
            return
        self.add_blob((self.input_dim, self._num_output), param.weight_filler)
        if self._bias_term:
            self.add_blob((self._num_output,), param.bias_filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        top[0].reshape(*bottom[0].shape, self._num_output)
        self._ids, self._rows = (self.ops.empty((bottom[0].count,), "int32") for _ in range(2))
        self._is_word = self.ops.empty((bottom[0].count, 1))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        ids = bottom[0].data.reshape(-1)
        last = self.input_dim - 1
        rule = f"ids must be integers from 0 to {last} (input_dim - 1), or {PADDING} for padding"
        self._require_whole(ids, self.input_dim, rule, PADDING)
        self._ids[...] = ids
        self.xp.maximum(self._ids, 0, out=self._rows)
        self.xp.greater_equal(self._ids[:, None], 0, out=self._is_word)
        rows = top[0].data.reshape(-1, self._num_output)
        self.ops.take(self.blobs[0].data, self._rows, rows)
        rows *= self._is_word
        if self._bias_term:
            self.ops.add_bias(rows, self.blobs[1].data)

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[0]:
            raise self.fail(
                "cannot backpropagate to its ids; set propagate_down: false, or cut "
                "the branch that makes them"
            )
        drows = top[0].diff.reshape(-1, self._num_output)
        if self.needs_param_diff(0):
            self.ops.scatter_add(self.blobs[0].diff, self._ids, drows)
        if self._bias_term and self.needs_param_diff(1):
            self.ops.sum_bias(drows, self.blobs[1].diff)
