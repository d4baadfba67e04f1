"""Products, sums and maxima of blobs, element by element."""

from caffe_lite.backend import operations as inference
from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags, Shape

Operation = schema.EltwiseParameter


@register("Eltwise")
class Eltwise(Layer):
    """All bottoms joined element by element.

        SUM   y = sum of coeff_i * x_i; every coeff 1 unless there is one for each bottom
        PROD  y = product of the x_i; dx_i = dy * product of the others, or with
              stable_prod_grad: false dy * y / x_i, which saves time and is NaN where x_i = 0
        MAX   y = the largest x_i; its bottom takes the gradient: of equal ones bottom[1] before
              bottom[0], and both before the rest, which go by their order

    bottom[i]  x_i  at least two, all of one shape but for axes of size 1 at its end
    top[0]     y    the shape of x_0

    Backward: SUM dx_i = coeff_i * dy; PROD and MAX as above. Kept from forward: with MAX which
    bottom won; PROD reads the bottoms and y.

    Caffe: src/caffe/layers/eltwise_layer.cpp

    Differences from Caffe: `coeff` with MAX is refused, where Caffe ignores it. The MAX of NaN and
    a number is NaN; in Caffe the second of two bottoms decides. Working in place is refused; Caffe
    overwrites bottom[0]. Axes of size 1 at the end of a shape do not count, as when every blob had
    four axes: nets of that time have sums of (N, C) and (N, C, 1, 1).

    Example::

        layer { name: "mix" type: "Eltwise" bottom: "a" bottom: "b" top: "y"
                eltwise_param { operation: SUM coeff: 1 coeff: -0.5 } }
    """

    keeps_layout = True
    bottoms = (2, None)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.eltwise_param
        self._operation = param.operation
        self._coeff = list(param.coeff) or [1.0] * len(bottom)
        if param.coeff and self._operation != Operation.SUM:
            raise self.fail("coeff needs operation: SUM")
        if len(self._coeff) != len(bottom):
            raise self.fail(
                f"needs one coeff for each of its {len(bottom)} bottoms, got {len(self._coeff)}"
            )
        self._term = Blob(self.ops)

    def top_data_in_backward(self, in_place: bool) -> str:
        return "values" if self._operation == Operation.PROD else ""

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom)
        shape = bottom[0].shape
        for i, blob in enumerate(bottom):
            if blob.shape != shape and _without_ones(blob.shape) != _without_ones(shape):
                raise self.fail_shape(
                    i,
                    shape,
                    f"all bottoms must have one shape: bottom[0] is {shape}, "
                    f"bottom[{i}] is {blob.shape}",
                )
        top[0].reshape(*shape)
        self._term.reshape(*shape)
        if self._operation == Operation.MAX:
            self._winner = self.ops.empty(shape, "int32")

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        shape = top[0].shape
        xs, y = [blob.data.reshape(shape) for blob in bottom], top[0].data
        if self._operation == Operation.SUM:
            self._sum(xs, y)
        elif self._operation == Operation.PROD:
            self._product(xs, y)
        else:
            self.ops.eltwise_max(xs, y, self._winner)

    def _sum(self, xs: list[Array], y: Array) -> None:
        self.xp.multiply(xs[0], self._coeff[0], out=y)
        for x, coeff in zip(xs[1:], self._coeff[1:], strict=True):
            if coeff == 1:
                y += x
            else:
                y += self.xp.multiply(x, coeff, out=self._term.data)

    def _product(self, xs: list[Array], out: Array) -> None:
        """out = the product of xs, 1 or more."""
        out[...] = xs[0]
        for x in xs[1:]:
            out *= x

    def operation(self, bottom: Blobs, top: Blobs) -> inference.Operation | None:
        if self._operation != Operation.SUM:
            return None
        return inference.Add(tuple(self._coeff))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        dy = top[0].diff
        for i, blob in enumerate(bottom):
            if not propagate_down[i]:
                continue
            dx = blob.diff.reshape(dy.shape)
            if self._operation == Operation.SUM:
                self.xp.multiply(dy, self._coeff[i], out=dx)
            elif self._operation == Operation.MAX:
                self.ops.eltwise_max_grad(dy, self._winner, i, dx)
            else:
                self._product_grad(i, bottom, top[0])

    def _product_grad(self, i: int, bottom: Blobs, top: Blob) -> None:
        xs = [blob.data.reshape(top.shape) for blob in bottom]
        dx = bottom[i].diff.reshape(top.shape)
        if self.param.eltwise_param.stable_prod_grad:
            self._product([x for j, x in enumerate(xs) if j != i], dx)
        else:
            self.xp.divide(top.data, xs[i], out=dx)
        dx *= top.diff


def _without_ones(shape: Shape) -> Shape:
    """The shape without the axes of size 1 at its end."""
    kept = len(shape)
    while kept and shape[kept - 1] == 1:
        kept -= 1
    return shape[:kept]
