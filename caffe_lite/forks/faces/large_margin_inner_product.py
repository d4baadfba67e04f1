"""LargeMarginInnerProduct: L-Softmax's product with a margin of angles."""

from caffe_lite.forks.faces.margin_inner_product import MarginInnerProduct
from caffe_lite.layers.registry import register
from caffe_lite.types import Array, Blobs, Flags


@register("LargeMarginInnerProduct")
class LargeMarginInnerProduct(MarginInnerProduct):
    """Class scores x . w, in which the angle to the own class is multiplied by m.

    The score is |x| |w| cos(theta) for the other classes, and for the own class
    (lambda |x| |w| cos(theta) + |x| |w| psi(theta)) / (1 + lambda).

    theta is the angle between x and the class's weights; psi(theta) = (-1)^k cos(m theta) - 2 k for
    theta in [k pi / m, (k + 1) pi / m], with m = 1, 2, 3 or 4 by `type`. lambda = max(lambda_min,
    base (1 + gamma i)^-power) falls while the forward passes i are counted, from `iteration` on.
    Liu et al., Large-Margin Softmax Loss, ICML 2016.

    bottom[0]  x       (N, ...)  K numbers from `axis` on
    bottom[1]  label   (N,)      integers 0 ... C-1; takes no gradient
    top[0]     scores  (N, C)    C = `num_output`
    top[1]     lambda  (1,)      optional; no gradient
    blobs[0]   W       (C, K)    filled by `weight_filler`

    MarginInnerProduct differs in that its weights have length 1. The gradients are those of the
    formula.

    Source: wy1iu/LargeMargin_Softmax_Loss, happynear/caffe-windows

    Example::

        layer { name: "ip2" type: "LargeMarginInnerProduct" bottom: "ip1" bottom: "label" top: "ip2"
                top: "lambda" largemargin_inner_product_param { num_output: 4 type: DOUBLE
                weight_filler { type: "msra" } base: 1000 gamma: 0.000025 power: 35 } }
    """

    reads = ("largemargin_inner_product_param",)
    message = "largemargin_inner_product_param"

    def _scale_weights(self, weight: Array) -> None:
        """The weights keep their lengths."""

    def _lengths(self, x: Array, weight: Array) -> None:
        xp, own = self.xp, weight[self._ids]
        self._x_length = xp.sqrt((x * x).sum(axis=1))
        self._w_length = xp.sqrt((own * own).sum(axis=1))
        self._length = self._x_length * self._w_length

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        if propagate_down[1]:
            raise self.fail("cannot backpropagate to its labels (bottom[1])")
        xp = self.xp
        x, weight = bottom[0].data.reshape(self._view), self.blobs[0].data
        dy, others = top[0].diff, top[0].diff
        if self._multiple > 1:
            others = dy.copy()  # what goes through plain products
            own = dy[self._items, self._ids] / (1 + self._lambda)
            psi, slope = self._margin()
            plain = own * (self._lambda + slope)
            others[self._items, self._ids] = plain
            # d(|x| |w| psi(cos)) / dx = slope * w + (psi - slope * cos) * |w| / |x| * x
            along = own * (psi - slope * self._cosine)
        if self.needs_param_diff(0):
            dweight = self.blobs[0].diff
            self.ops.gemm(others, x, dweight, trans_a=True, accumulate=True)
            if self._multiple > 1:
                share = along * self._x_length / self._w_length
                self.ops.scatter_add(dweight, self._ids, share[:, None] * weight[self._ids])
        if propagate_down[0]:
            dx = bottom[0].diff.reshape(self._view)
            self.ops.gemm(others, weight, dx)
            if self._multiple > 1:
                dx += x * xp.expand_dims(along * self._w_length / self._x_length, 1)
