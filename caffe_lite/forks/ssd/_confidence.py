"""The confidence part of MultiBoxLoss: class scores of R priors against their labels.

Both losses take scores x (R, C) and labels (R,), numbers of the device. A prior of the label
LEFT_OUT does not count. Only the logistic loss takes a label of C, which is not a class.
"""

from typing import Any

from caffe_lite.layers.bnll import softplus
from caffe_lite.layers.sigmoid import sigmoid
from caffe_lite.types import Array

LEFT_OUT = -1


class SoftmaxConfidence:
    """-log softmax(x)[label], with probabilities of at least FLT_MIN."""

    def __init__(self, ops: Any, rows: int, classes: int) -> None:
        self._ops = ops
        self._prob = ops.empty((rows, classes, 1))
        self._losses = ops.empty((rows, 1))

    def score(self, x: Array) -> None:
        """Take the scores of this iteration."""
        self._ops.softmax(x.reshape(self._prob.shape), self._prob)

    def losses(self, x: Array, labels: Array) -> Array:
        """The loss (R,) of each prior, in memory that the next call overwrites."""
        self._ops.softmax_loss(self._prob, labels[:, None], LEFT_OUT, self._losses)
        return self._losses[:, 0]

    def gradient(self, x: Array, labels: Array, scale: Array, dx: Array) -> None:
        """dx (R, C) = scale * gradient of the sum of losses."""
        self._ops.softmax_loss_grad(
            self._prob, labels[:, None], LEFT_OUT, scale, dx.reshape(self._prob.shape)
        )


class LogisticConfidence:
    """The sum over classes of log(1 + exp(x)) - t * x; t is 1 for the label and 0 for others."""

    def __init__(self, ops: Any, rows: int, classes: int) -> None:
        self._xp = ops.xp
        self._classes = ops.asarray(range(classes), dtype=ops.dtype)
        self._terms, self._work = ops.empty((rows, classes)), ops.empty((rows, classes))

    def score(self, x: Array) -> None:
        """Take the scores of this iteration."""
        softplus(self._xp, x, self._terms, self._work)

    def losses(self, x: Array, labels: Array) -> Array:
        """The loss (R,) of each prior."""
        xp = self._xp
        xp.multiply(x, labels[:, None] == self._classes, out=self._work)
        xp.subtract(self._terms, self._work, out=self._work)
        return xp.where(labels == LEFT_OUT, 0, self._work.sum(axis=1))

    def gradient(self, x: Array, labels: Array, scale: Array, dx: Array) -> None:
        """dx (R, C) = scale * gradient of the sum of losses."""
        sigmoid(self._xp, x, dx)
        dx -= labels[:, None] == self._classes
        dx *= (labels != LEFT_OUT)[:, None] * scale
