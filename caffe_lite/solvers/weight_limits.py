"""Limits on all learned weights, for critics of adversarial training and the like.

clip_weights c >= 0     w = w min(1, c / |w|), |w| the L2 norm over all learned blobs together
clamp_weights_lower,
clamp_weights_upper     w = min(max(w, lower), upper), where one of the two is given

Both are applied before an update, in this order, and the step is then subtracted: the weights
after an update may be outside by that step. The step, weight decay included, is that of the weights
before the limits.

Source: happynear/caffe-windows.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from caffe_lite.backend import Ops
from caffe_lite.blob import Blob
from caffe_lite.types import SolverParameter

_TINY = 1e-30  # instead of a norm of 0


def has_weight_limits(param: SolverParameter) -> bool:
    """Whether the solver limits weights."""
    bounds = param.HasField("clamp_weights_lower"), param.HasField("clamp_weights_upper")
    return bool(param.clip_weights >= 0 or any(bounds))


def weight_limits_problem(param: SolverParameter) -> str:
    """What is wrong with the limits, or ""."""
    low, high = param.clamp_weights_lower, param.clamp_weights_upper
    if low > high:
        return f"clamp_weights_lower {low:g} is above clamp_weights_upper {high:g}"
    return ""


class WeightLimits:
    """Applies the limits around an update: `keep` before it, `limit` after it."""

    def __init__(self, param: SolverParameter, ops: Ops, blobs: Sequence[Blob]) -> None:
        self._param, self._ops, self._blobs = param, ops, blobs
        self._before = [ops.zeros(blob.shape) for blob in blobs]

    def keep(self) -> None:
        """Remember the weights before the update."""
        for blob, before in zip(self._blobs, self._before, strict=True):
            before[...] = blob.data

    def limit(self, updated: Container[int]) -> None:
        """Take the step of each blob in `updated`, its diff, from limited weights instead."""
        xp, param = self._ops.xp, self._param
        scale = None
        if param.clip_weights >= 0:
            norm = xp.sqrt(self._ops.sum_squares(self._before))
            limit = param.clip_weights / xp.maximum(norm, max(param.clip_weights, _TINY))
            scale = xp.where(norm > param.clip_weights, limit, self._ops.dtype.type(1))
        clamps = param.HasField("clamp_weights_lower") or param.HasField("clamp_weights_upper")
        for i, (blob, before) in enumerate(zip(self._blobs, self._before, strict=True)):
            if scale is not None:
                before *= scale
            if clamps:
                low, high = param.clamp_weights_lower, param.clamp_weights_upper
                xp.clip(before, low, high, out=before)
            if i in updated:
                xp.subtract(before, blob.diff, out=blob.data)
            else:
                blob.data[...] = before
