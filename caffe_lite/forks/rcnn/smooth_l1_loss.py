"""SmoothL1Loss: squared near zero, absolute further out."""

from math import prod
from typing import ClassVar

from caffe_lite.layers._loss import LossLayer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, Flags


@register("SmoothL1Loss")
class SmoothL1Loss(LossLayer):
    """A loss that is quadratic near zero and linear further out:
    loss = sum of w_out * f(w_in * (x - t)) / normalizer, where
    f(d) = sigma^2 d^2 / 2 for |d| < 1 / sigma^2, else |d| - 1 / (2 sigma^2).

    bottom[0]  x      (N, C, ...)
    bottom[1]  t      (N, C, ...)     takes a gradient too
    bottom[2]  w_in   (N, C, ...)     optional: weights of the differences; no gradient
    bottom[3]  w_out  (N, C, ...)     optional: weights of the terms; no gradient
    top[0]     loss   ()
    top[1]     terms  (N, 1, H, W)    optional: the sum over C for each place, not divided; no
                                      gradient

    Fast R-CNN (2 or 4 bottoms) divides by N. R-FCN (3 bottoms, a second top or `loss_param`)
    divides by N * H * W, or as `loss_param.normalization` says: FULL and
    VALID by N * H * W, BATCH_SIZE by N, PRE_FIXED by `pre_fixed_normalizer`, NONE by 1; never by
    less than 1.

    Differences from R-FCN: with 3 bottoms its gradient leaves out w_in, which matters for weights
    other than 0 and 1.

    Source: rbgirshick/caffe-fast-rcnn, daijifeng001/caffe-rfcn, intel/caffe

    Example::

        layer { name: "loss_bbox" type: "SmoothL1Loss" bottom: "bbox_pred" bottom: "bbox_targets"
                bottom: "inside_weights" bottom: "outside_weights" top: "loss_bbox"
                smooth_l1_loss_param { sigma: 3 } }
    """

    bottoms = (2, 4)
    tops = (1, 2)
    no_gradient = (2, 3)
    tops_without_gradient = (1,)
    reads = ("smooth_l1_loss_param", "loss_param")
    extensions = ("loss_param.pre_fixed_normalizer",)
    by_place: ClassVar[bool] = False  # whether it divides by N * H * W in every case

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        sigma = self.param.smooth_l1_loss_param.sigma
        if not sigma > 0:
            raise self.fail(f"sigma must be positive, got {sigma:g}")
        self._sigma2 = sigma * sigma

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape
        for i, blob in enumerate(bottom):
            if blob.count != bottom[0].count or blob.shape[:1] != shape[:1]:
                raise self.fail_shape(
                    i,
                    shape,
                    f"all bottoms must have one shape: bottom[0] is {shape}, bottom[{i}] is "
                    f"{blob.shape}",
                )
        self._outer, self._inner = shape[0], prod(shape[2:])
        self._difference, self._slope, self._error = (self.ops.empty(shape) for _ in range(3))
        self._divisor = self._normalizer(len(bottom), len(top))
        if len(top) > 1:
            top[1].reshape(shape[0], 1, *(shape[2:] or (1, 1)))

    def _normalizer(self, bottoms: int, tops: int) -> float:
        outer, places = self._outer, self._outer * self._inner
        given = self.param.HasField("loss_param") or self.by_place
        if not (given or bottoms == 3 or tops > 1):
            return float(outer)
        param, modes = self.param.loss_param, schema.LossParameter
        mode = param.normalization
        if param.HasField("normalize") and not param.HasField("normalization"):
            mode = modes.VALID if param.normalize else modes.BATCH_SIZE
        divisors = {
            modes.BATCH_SIZE: outer,
            modes.PRE_FIXED: param.pre_fixed_normalizer,
            modes.NONE: 1,
        }
        return float(max(1.0, divisors.get(mode, places)))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        xp, difference, slope, error = self.xp, self._difference, self._slope, self._error
        shape = difference.shape
        xp.subtract(bottom[0].data, bottom[1].data.reshape(shape), out=difference)
        if len(bottom) > 2:
            difference *= bottom[2].data.reshape(shape)
        # f' is sigma^2 d cut to [-1, 1], and f = f' (d - f' / (2 sigma^2)) on both branches.
        xp.multiply(difference, self._sigma2, out=slope)
        xp.clip(slope, -1, 1, out=slope)
        xp.multiply(slope, -0.5 / self._sigma2, out=error)
        error += difference
        error *= slope
        if len(bottom) > 3:
            error *= bottom[3].data.reshape(shape)
        if len(top) > 1:
            self._sum_places(error, top[1].data)
        top[0].data[...] = error.sum() / self._divisor

    def _sum_places(self, error: Array, out: Array) -> None:
        places = error.reshape(self._outer, -1, self._inner)
        self.xp.sum(places, axis=1, out=out.reshape(self._outer, self._inner))

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        shape = self._difference.shape
        for flag, blob in zip(propagate_down[2:], bottom[2:], strict=True):
            if flag:  # of weights that a Python layer makes, which is asked for a gradient anyway
                blob.diff[...] = 0
        for i, sign in enumerate((1, -1)):
            if propagate_down[i]:
                dx = bottom[i].diff.reshape(shape)
                self.xp.multiply(self._slope, top[0].diff * (sign / self._divisor), out=dx)
                for weights in bottom[2:]:
                    dx *= weights.data.reshape(shape)
