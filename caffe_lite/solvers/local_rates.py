"""Learning rates of single blobs from the norms of their weights and gradients, for SGD.

The local rate r of a blob with weights w and gradient g, before weight decay, is

    larc (NVIDIA/caffe)          larc_eta (1 - momentum) |w| / |g|
    local_lr_auto (intel/caffe)  local_gw_ratio |w| / (|g| + weight_decay |w|)

and 1 where either norm is 0. It takes the place of a positive lr_mult: the blob's rate is `rate` r,
or with larc_policy "clip" the smaller of `rate` and r. A blob with lr_mult 0 keeps it.

larc_turbo subtracts 0.9 c from r, where c = 0.95 c + 0.05 <g, h> / (|g| |h|) follows the cosine
between the gradient and the history h of the blob.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from caffe_lite.backend import Ops, UpdateSlot
from caffe_lite.types import Array, SolverParameter

_POLICIES = ("scale", "clip")
_KEPT = 0.95  # of the correlation, from iteration to iteration
_BRAKE = 0.9  # how much of the correlation is subtracted from a local rate
_TINY = 1e-30  # below a norm of 0, where the local rate is 1


def has_local_rates(param: SolverParameter) -> bool:
    """Whether the solver sets the learning rate of each blob by norms."""
    return bool(param.larc or param.local_lr_auto)


def local_rates_problem(param: SolverParameter) -> str:
    """What is wrong with the fields of local rates, or ""."""
    if param.larc_policy not in _POLICIES:
        return f'larc_policy must be one of {", ".join(_POLICIES)}, got "{param.larc_policy}"'
    for name in ("larc_eta", "local_gw_ratio"):
        if getattr(param, name) <= 0:
            return f"{name} must be above 0, got {getattr(param, name):g}"
    if param.larc and param.local_lr_auto:
        return "larc and local_lr_auto are both true; choose one of them"
    for name in ("larc", "local_lr_auto"):
        if getattr(param, name) and param.type != "SGD":
            return f'{name} is for type: "SGD" alone, got type: "{param.type}"'
    return ""


class LocalRates:
    """Turns each blob's gradient into one that a plain update takes by the blob's local rate.

    SGD's step is linear in the gradient, so a local rate can be a factor of the gradient. All of it
    stays on the device. `correlations` are the values of larc_turbo, by the index of the blob.
    """

    def __init__(self, param: SolverParameter, ops: Ops, shapes: Sequence[tuple[int, ...]]) -> None:
        self._param, self._ops = param, ops
        self._correlations = ops.zeros((len(shapes),))
        self._pull = ops.zeros((max(map(prod, shapes), default=0),))  # a blob's weight decay

    @property
    def correlations(self) -> list[float]:
        return [float(value) for value in self._ops.to_host(self._correlations)]

    @correlations.setter
    def correlations(self, values: list[float]) -> None:
        self._correlations[...] = self._ops.asarray(values)

    def fold(
        self,
        slots: dict[int, UpdateSlot],
        rate: float,
        scale: float | Array,
        weight_decay: float,
        l1: bool,
        momentum: float,
    ) -> None:
        """Multiply the gradients, with weight decay added, by local rate / lr_mult, in place.

        `slots` are by the index of their blob; the gradient is scale * diff. The update that
        follows takes a scale of 1 and no weight decay.
        """
        xp = self._ops.xp
        for i, slot in slots.items():
            factor: float | Array = 1.0
            if slot.lr_mult > 0:
                factor = self._local(i, slot, scale, weight_decay, momentum)
                if self._param.larc and self._param.larc_policy == "clip":
                    factor = xp.minimum(factor / rate, 1) if rate else 1.0
                factor = factor / slot.lr_mult
            slot.diff *= factor * scale
            decay = weight_decay * slot.decay_mult
            if decay:
                pull = self._pull[: slot.data.size].reshape(slot.data.shape)
                if l1:
                    xp.sign(slot.data, out=pull)
                    pull *= factor * decay
                else:
                    xp.multiply(slot.data, factor * decay, out=pull)
                slot.diff += pull

    def _local(
        self, i: int, slot: UpdateSlot, scale: float | Array, weight_decay: float, momentum: float
    ) -> Array:
        """The local rate of blob `i`, a 0-d array."""
        param, xp = self._param, self._ops.xp
        weights = self._norm(slot.data)
        gradient = self._norm(slot.diff) * scale
        if param.larc:
            ratio = (1 - momentum) * param.larc_eta * weights / xp.maximum(gradient, _TINY)
        else:
            below = xp.maximum(gradient + weight_decay * weights, _TINY)
            ratio = param.local_gw_ratio * weights / below
        local = xp.where((weights > 0) & (gradient > 0), ratio, self._ops.dtype.type(1))
        if param.larc and param.larc_turbo:
            local = local - _BRAKE * self._correlation(i, slot, scale, gradient)
        return local

    def _correlation(
        self, i: int, slot: UpdateSlot, scale: float | Array, gradient: Array
    ) -> Array:
        """Bring the correlation of blob `i` up to date and return it."""
        xp, (history,) = self._ops.xp, slot.history
        norms = self._norm(history) * gradient
        cosine = xp.vdot(slot.diff, history) * scale / xp.maximum(norms, _TINY)
        self._correlations[i] *= _KEPT
        self._correlations[i] += (1 - _KEPT) * xp.where(norms > 0, cosine, 0)
        return self._correlations[i]

    def _norm(self, array: Array) -> Array:
        return self._ops.xp.sqrt(self._ops.sum_squares([array]))
