"""The location part of MultiBoxLoss: predicted codes against those of the ground truth."""

from dataclasses import dataclass
from typing import Any

from caffe_lite.forks.boxes.codes import encode
from caffe_lite.types import Array


@dataclass(frozen=True)
class LocationLoss:
    """The rules of the loss. `smooth` is the smooth L1 loss, else half the square.

    `variance_in_target`: codes are not divided by variances, their differences are.
    """

    xp: Any
    code: str
    smooth: bool
    variance_in_target: bool

    def compare(self, predicted: Array, truth: Array, priors: Array, variances: Array) -> Array:
        """Differences (K, 4) between predicted codes and those of ground truth boxes (K, 4)."""
        if not self.variance_in_target:
            return predicted - encode(self.xp, self.code, truth, priors, variances)
        return (predicted - encode(self.xp, self.code, truth, priors)) / variances

    def losses(self, difference: Array) -> Array:
        """The loss (K,) of each match."""
        square = difference * difference / 2
        if self.smooth:
            size = self.xp.abs(difference)
            square = self.xp.where(size < 1, square, size - 0.5)
        return square.sum(axis=1)

    def gradient(self, difference: Array, variances: Array) -> Array:
        """The gradient (K, 4) of the predicted codes."""
        slope = self.xp.clip(difference, -1, 1) if self.smooth else difference
        return slope / variances if self.variance_in_target else slope
