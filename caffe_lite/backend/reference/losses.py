"""Softmax, cross-entropy with integer labels, and the likeliest classes of each row."""

from typing import Any

import numpy

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.types import Array

FLT_MIN = float(numpy.finfo(numpy.float32).tiny)


class ReferenceLosses(OpsBase):
    """x, y, prob (outer, C, inner) with classes on the middle axis; label (outer, inner).

    Labels are floats, truncated toward zero as in Caffe. `ignore` is a label value that is left out
    of the loss, or None.
    """

    def softmax(self, x: Array, y: Array) -> None:
        """y = exp(x) / sum over classes of exp(x); y may be x."""
        xp = self.xp
        xp.subtract(x, x.max(axis=1, keepdims=True), out=y)
        xp.exp(y, out=y)
        y /= y.sum(axis=1, keepdims=True)

    def softmax_grad(self, y: Array, dy: Array, dx: Array) -> None:
        """dx = y * (dy - sum over classes of dy * y); dx may be dy."""
        dx[...] = y * (dy - (dy * y).sum(axis=1, keepdims=True))

    def softmax_loss(
        self, prob: Array, label: Array, ignore: int | None, losses: Array
    ) -> tuple[Array, Array]:
        """losses (outer, inner) = -log(max(prob[label], FLT_MIN)), 0 where ignored.

        Returns the sum of the losses and the number of labels not ignored, as 0-d arrays. A label
        outside [0, C) is clamped to the nearest class; `label_fault` detects those.
        """
        xp = self.xp
        index, counted = class_index(xp, prob, label, ignore)
        picked = xp.take_along_axis(prob, index[:, None], axis=1)[:, 0]
        losses[...] = xp.where(counted, -xp.log(xp.maximum(picked, FLT_MIN)), 0)
        return xp.asarray(losses.sum()), xp.asarray(counted.sum(), dtype=self.dtype)

    def softmax_loss_grad(
        self, prob: Array, label: Array, ignore: int | None, scale: float | Array, dx: Array
    ) -> None:
        """dx = scale * (prob - [class is label]), 0 where ignored; scale a float or 0-d array."""
        xp = self.xp
        index, counted = class_index(xp, prob, label, ignore)
        classes = xp.arange(prob.shape[1]).reshape(-1, 1)
        dx[...] = xp.where(
            counted[:, None], (prob - (classes == index[:, None])) * scale, self.dtype.type(0)
        )

    def label_fault(
        self, label: Array, classes: int, ignore: int | None, rule: str = ""
    ) -> float | None:
        """The first label that is neither in [0, classes) nor `ignore`, or None; NaN is a fault.

        A GPU returns None, and raises a DataError with `rule` and the label when the host next
        reads from the device.
        """
        values = self.xp.trunc(label)
        good = (values >= 0) & (values < classes)
        if ignore is not None:
            good |= values == ignore
        if bool(good.all()):
            return None
        return float(label[~good][0])

    def top_scores(self, scores: Array, count: int) -> tuple[Array, Array, Array]:
        """The `count` largest of each row of scores (rows, classes), the largest first.

        Returns classes (rows, count) of an integer type, of equal scores the lower class first;
        their scores; and log(sum of exp(scores)) (rows,), NaN where scores are NaN or infinite.
        1 <= count <= classes.
        """
        xp, left = self.xp, scores.copy()
        rows = xp.arange(len(left))
        classes, best = [], []
        for _ in range(count):
            classes.append(left.argmax(axis=1))
            best.append(left[rows, classes[-1]])
            left[rows, classes[-1]] = -numpy.inf
        with numpy.errstate(invalid="ignore"):  # NaN is part of the result
            log_sum = xp.log(xp.exp(scores - best[0][:, None]).sum(axis=1)) + best[0]
        return xp.stack(classes, axis=1), xp.stack(best, axis=1), log_sum


def class_index(xp: Any, prob: Array, label: Array, ignore: int | None) -> tuple[Array, Array]:
    """Each label clamped to a valid class, and whether it is counted (not ignored)."""
    values = xp.trunc(label)
    counted = xp.ones(label.shape, bool) if ignore is None else values != ignore
    classes = xp.nan_to_num(xp.clip(values, 0, prob.shape[1] - 1)).astype("int64")
    return classes, counted
