"""InnerProduct with weights of length one, or with weights from bottoms."""

from math import prod

from caffe_lite.blob import Blob
from caffe_lite.forks.faces._rows import rows_of, scale_rows
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("InnerProduct", when=["inner_product_param.normalize"])
class ScaledInnerProduct(Layer):
    """Fully connected, y = x W^T + b, with rows of W of length 1, or with W and b from bottoms.

    With `normalize: true` every forward pass divides each row of the learned W by its length,
    sqrt(sum w^2 + 1e-6). A layer with two or three bottoms is this one too.

    bottom[0]  x  (d0, ..., K axes)
    bottom[1]  W  (N, ...)  optional: K numbers for each output, in place of the learned ones
    bottom[2]  b  (N,)      optional
    top[0]     y  (d0, ..., N)  N = num_output, or the rows of bottom[1]
    blobs[0]   W  (N, K)    with one bottom; (K, N) with transpose: true
    blobs[]    b  (N,)      with one or two bottoms, and bias_term

    The gradient of W is that of the product alone, without the scaling, as in the fork.

    Source: happynear/caffe-windows

    Example::

        layer { name: "fc6" type: "InnerProduct" bottom: "fc5" top: "fc6"
                inner_product_param { num_output: 4 normalize: true bias_term: false
                                      weight_filler { type: "gaussian_unitball" } } }
    """

    type = "InnerProduct"
    reads = ("inner_product_param",)
    extensions = ("inner_product_param.normalize",)
    bottoms = (1, 3)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.inner_product_param
        outputs = param.num_output if len(bottom) == 1 else prod(bottom[1].shape[:1])
        if outputs < 1:
            raise self.fail(f"num_output must be at least 1, got {param.num_output}")
        if param.transpose and (len(bottom) > 1 or param.normalize):
            raise self.fail("transpose needs one bottom and no normalize")
        _, size = rows_of(self, bottom[0], param.axis)
        self._biased = param.bias_term or len(bottom) > 2
        if self.blobs:
            return
        if len(bottom) == 1:
            shape = (outputs, size)
            self.add_blob(shape[::-1] if param.transpose else shape, param.weight_filler)
        if self._biased and len(bottom) < 3:
            self.add_blob((outputs,), param.bias_filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        param = self.param.inner_product_param
        count, size = rows_of(self, bottom[0], param.axis)
        weight = bottom[1] if len(bottom) > 1 else self.blobs[0]
        outputs = weight.shape[int(param.transpose)]
        if weight.count != outputs * size:
            raise self.fail(
                f"{size} inputs (axes from {param.axis} on) do not fit weights of shape "
                f"{weight.shape}"
            )
        axis = self.canonical_axis(param.axis, len(bottom[0].shape))
        top[0].reshape(*bottom[0].shape[:axis], outputs)
        self._shapes = (count, size), (count, outputs)
        self._rows = (size, outputs) if param.transpose else (outputs, size)
        if self._biased and self._sources(bottom)[1].count != outputs:
            raise self.fail(f"needs {outputs} biases, got {self._sources(bottom)[1].count}")

    def _sources(self, bottom: Blobs) -> Blobs:
        """The blobs of W and b."""
        return [*bottom[1:], *self.blobs]

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.inner_product_param
        if param.normalize and len(bottom) == 1:
            scale_rows(self, self.blobs[0].data)
        x, y = bottom[0].data.reshape(self._shapes[0]), top[0].data.reshape(self._shapes[1])
        weight, *bias = self._sources(bottom)
        self.ops.gemm(x, weight.data.reshape(self._rows), y, trans_b=not param.transpose)
        if self._biased:
            self.ops.add_bias(y, bias[0].data.reshape(-1))

    def multiply_adds(self, bottom: Blobs, top: Blobs) -> int:
        return top[0].count * self._shapes[0][1]

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        transpose = self.param.inner_product_param.transpose
        x, dy = bottom[0].data.reshape(self._shapes[0]), top[0].diff.reshape(self._shapes[1])
        weight, *bias = self._sources(bottom)
        given = len(bottom) > 1
        if propagate_down[1] if given else self.needs_param_diff(0):
            a, b = (x, dy) if transpose else (dy, x)
            dweight = weight.diff.reshape(self._rows)
            self.ops.gemm(a, b, dweight, trans_a=True, accumulate=not given)
        if self._biased:
            self._backward_bias(bias[0], dy, propagate_down, len(bottom))
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self._shapes[0])
            self.ops.gemm(dy, weight.data.reshape(self._rows), dx, trans_b=transpose)

    def _backward_bias(self, bias: Blob, dy: Array, flags: Flags, bottoms: int) -> None:
        learned = 2 - bottoms  # its place among the learned blobs; below 0 for a bottom
        if learned >= 0 and self.needs_param_diff(learned):
            self.ops.sum_bias(dy, bias.diff)
        elif learned < 0 and flags[2]:
            bias.diff[...] = 0
            self.ops.sum_bias(dy, bias.diff.reshape(-1))
