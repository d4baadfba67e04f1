"""Momentum and weight decay that change with the iteration, as forks of Caffe have them.

momentum_policy (NVIDIA/caffe), for SGD:

    fixed  momentum
    poly   momentum + (max_momentum - momentum) (iter / max_iter)^momentum_power
    opt    (1 - sqrt(rate) / 2)^2, at most max_momentum where that is given

Momentum stays as it is while the rate rises (`warmup_iter`), as in intel/caffe's default build; a
build of it without fused updates scales the history by the rate's growth.

weight_decay_policy (NVIDIA/caffe), for every rule:

    fixed  weight_decay
    poly   weight_decay + (max_weight_decay - weight_decay) (iter / max_iter)^weight_decay_power
"""

from math import sqrt

from caffe_lite.types import SolverParameter

_MOMENTUM_POLICIES = ("fixed", "poly", "opt")
_DECAY_POLICIES = ("fixed", "poly")


def momentum(param: SolverParameter, iteration: int, rate: float) -> float:
    """The momentum of `iteration` (from 0), whose learning rate is `rate`."""
    value = float(param.momentum)
    if param.momentum_policy == "poly":
        part = _progress(param, iteration) ** param.momentum_power
        value += (param.max_momentum - value) * part
    elif param.momentum_policy == "opt":
        value = (1 - 0.5 * sqrt(rate)) ** 2
        if param.HasField("max_momentum"):
            value = min(value, param.max_momentum)
    return value


def weight_decay(param: SolverParameter, iteration: int) -> float:
    """The weight decay of `iteration` (from 0)."""
    value = float(param.weight_decay)
    if param.weight_decay_policy == "poly":
        part = _progress(param, iteration) ** param.weight_decay_power
        value += (param.max_weight_decay - value) * part
    return value


def _progress(param: SolverParameter, iteration: int) -> float:
    """The part of the training that is done; 1 also past max_iter."""
    return min(1.0, iteration / param.max_iter)


def schedule_problem(param: SolverParameter) -> str:
    """What is wrong with the fields of these policies, or ""."""
    policy, decay = param.momentum_policy, param.weight_decay_policy
    if policy not in _MOMENTUM_POLICIES:
        return f'momentum_policy must be one of {", ".join(_MOMENTUM_POLICIES)}, got "{policy}"'
    if decay not in _DECAY_POLICIES:
        return f'weight_decay_policy must be one of {", ".join(_DECAY_POLICIES)}, got "{decay}"'
    if policy != "fixed" and param.type != "SGD":
        return f'momentum_policy is for type: "SGD" alone, got type: "{param.type}"'
    for field, given in (("momentum_policy", policy), ("weight_decay_policy", decay)):
        if given == "poly" and param.max_iter <= 0:
            return f"{field} poly needs max_iter > 0, got {param.max_iter}"
    for name in ("momentum_power", "weight_decay_power", "max_weight_decay"):
        if getattr(param, name) < 0:
            return f"{name} must not be negative, got {getattr(param, name):g}"
    return ""
