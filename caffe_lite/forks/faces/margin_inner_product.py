"""MarginInnerProduct: SphereFace's product with a margin of angles."""

from typing import ClassVar

from caffe_lite.forks.faces._rows import rows_of, scale_rows
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags, State


@register("MarginInnerProduct")
class MarginInnerProduct(Layer):
    """Class scores x . w with weights of length 1; the angle to the own class is multiplied by m.

    The score is |x| cos(theta) for the other classes, and for the own class
    (lambda |x| cos(theta) + |x| psi(theta)) / (1 + lambda).

    theta is the angle between x and the class's weights, which are scaled to length 1 in every
    forward pass; psi(theta) = (-1)^k cos(m theta) - 2 k for theta in [k pi / m, (k + 1) pi / m],
    with m = 1, 2, 3 or 4 by `type`. lambda = max(lambda_min, base (1 + gamma i)^-power) falls
    while the forward passes i are counted, from `iteration` on. Liu et al., SphereFace, CVPR 2017.

    bottom[0]  x       (N, ...)  K numbers from `axis` on
    bottom[1]  label   (N,)      integers 0 ... C-1; takes no gradient
    top[0]     scores  (N, C)    C = `num_output`
    top[1]     lambda  (1,)      optional; no gradient
    blobs[0]   W       (C, K)    filled by `weight_filler`

    Its gradients are SphereFace's own. That of W is the one of x W^T, without margin or scaling.
    That of x follows the formula, but for the own class it has the two coefficients, of W[label]
    and of x, scaled so that their squares sum to 1 (m > 1).

    Source: wy1iu/sphereface

    Example::

        layer { name: "fc6" type: "MarginInnerProduct" bottom: "fc5" bottom: "label" top: "fc6"
                top: "lambda" margin_inner_product_param { num_output: 4 type: QUADRUPLE
                weight_filler { type: "xavier" } base: 1000 gamma: 0.12 power: 1 lambda_min: 5 } }
    """

    bottoms = (2, 2)
    tops = (1, 2)
    no_gradient = (1,)
    tops_without_gradient = (1,)
    message: ClassVar[str] = "margin_inner_product_param"

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = getattr(self.param, self.message)
        if not param.num_output:
            raise self.fail("needs num_output, the number of classes")
        self._multiple = param.type + 1  # SINGLE is 0
        self._iteration = param.iteration
        _, size = rows_of(self, bottom[0], param.axis)
        if not self.blobs:
            self.add_blob((param.num_output, size), param.weight_filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        count, size = rows_of(self, bottom[0], getattr(self.param, self.message).axis)
        classes, expected = self.blobs[0].shape
        if size != expected:
            raise self.fail(
                f"the weights take {expected} inputs, the bottom of shape {bottom[0].shape} has "
                f"{size}"
            )
        if bottom[1].count != count:
            raise self.fail(
                f"needs one label per item ({count}), got {bottom[1].count} (shape "
                f"{bottom[1].shape})"
            )
        top[0].reshape(count, classes)
        for blob in top[1:]:
            blob.reshape(1)
        self._view = (count, size)
        self._ids = self.ops.empty((count,), "int32")
        self._items = self.xp.arange(count)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        param = getattr(self.param, self.message)
        label, weight = bottom[1].data.reshape(-1), self.blobs[0].data
        classes = len(weight)
        rule = f"labels must be integers from 0 to {classes - 1} (there are {classes} classes)"
        self._require_whole(label, classes, rule)
        self._ids[...] = label
        self._iteration += 1
        falling = param.base * (1 + param.gamma * self._iteration) ** -param.power
        self._lambda = max(falling, param.lambda_min)
        self._scale_weights(weight)
        x, y = bottom[0].data.reshape(self._view), top[0].data
        self.ops.gemm(x, weight, y, trans_b=True)
        if self._multiple > 1:
            self._lengths(x, weight)
            own = y[self._items, self._ids]
            self._cosine = own / self._length
            with_margin = self._length * self._margin()[0]
            y[self._items, self._ids] = (self._lambda * own + with_margin) / (1 + self._lambda)
        for blob in top[1:]:
            blob.data[...] = self._lambda

    def _scale_weights(self, weight: Array) -> None:
        scale_rows(self, weight, 0)

    def _lengths(self, x: Array, weight: Array) -> None:
        """Set `_length` (N,), that of each item times that of its own class's weights."""
        self._length = self.xp.sqrt((x * x).sum(axis=1))

    def _margin(self) -> tuple[Array, Array]:
        """psi (N,) of the own class's cosine, and its derivative by the cosine."""
        xp, c, m = self.xp, self._cosine, self._multiple
        first = xp.sign(c)
        if m == 2:
            return 2 * first * c * c - 1, 4 * first * c
        if m == 3:
            sign = xp.sign(abs(c) - 0.5)
            turns = first * (1 + sign) - 2
            return sign * (4 * c**3 - 3 * c) + turns, sign * (12 * c * c - 3)
        sign = first * xp.sign(2 * c * c - 1)
        turns = 2 * first + sign - 3
        return sign * (8 * c**4 - 8 * c * c + 1) + turns, sign * (32 * c**3 - 16 * c)

    def multiply_adds(self, bottom: Blobs, top: Blobs) -> int:
        return top[0].count * self._view[1]

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[1]:
            raise self.fail("cannot backpropagate to its labels (bottom[1])")
        x, dy, weight = bottom[0].data.reshape(self._view), top[0].diff, self.blobs[0].data
        if self.needs_param_diff(0):
            self.ops.gemm(dy, x, self.blobs[0].diff, trans_a=True, accumulate=True)
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self._view)
            self.ops.gemm(dy, weight, dx)
            if self._multiple > 1:
                self._add_margin(dx, x, dy, weight)

    def _add_margin(self, dx: Array, x: Array, dy: Array, weight: Array) -> None:
        """Replace the own class's share of the gradient, (of W[label]) by that with the margin."""
        psi, slope = self._margin()
        # d(|x| psi(cos)) / dx = slope * w + (psi - slope * cos) / |x| * x
        along = (psi - slope * self._cosine) / self._length
        scale = self.xp.sqrt(slope * slope + along * along)
        own = dy[self._items, self._ids] / (1 + self._lambda)
        dx += (own * (slope / scale - 1))[:, None] * weight[self._ids]
        dx += (own * (along / scale))[:, None] * x

    def get_state(self) -> State:
        return {**super().get_state(), "iteration": self._iteration}

    def set_state(self, state: State) -> None:
        super().set_state(state)
        self._iteration = state["iteration"]
