"""Learning rate policies: the rate of an iteration, from a SolverParameter.

fixed      base_lr
step       base_lr gamma^floor(iter / stepsize)
exp        base_lr gamma^iter
inv        base_lr (1 + gamma iter)^-power
multistep  base_lr gamma^(number of stepvalues reached)
poly       base_lr (1 - iter / max_iter)^power, 0 from max_iter on
sigmoid    base_lr / (1 + e^(-gamma (iter - stepsize)))
"""

from collections.abc import Callable
from math import exp

from caffe_lite.errors import did_you_mean
from caffe_lite.types import SolverParameter


def learning_rate(param: SolverParameter, iteration: int, current_step: int) -> tuple[float, int]:
    """The learning rate of `iteration` (from 0), and the step count after it.

    `current_step` is the step count after the previous iteration. Policies without steps return it
    unchanged.
    """
    step = current_step
    if param.lr_policy == "step":
        step = iteration // param.stepsize
    elif (
        param.lr_policy == "multistep"
        and step < len(param.stepvalue)
        and iteration >= param.stepvalue[step]
    ):
        step += 1  # at most one per iteration, even if several values are equal
    return _POLICIES[param.lr_policy](param, iteration, step), step


def policy_problem(param: SolverParameter) -> str:
    """What is wrong with the policy's parameters, or ''."""
    policy = param.lr_policy
    known = ", ".join(_POLICIES)
    if not policy:
        return f"lr_policy is not set; choose one of {known}"
    if policy not in _POLICIES:
        return f'unknown lr_policy "{policy}"{did_you_mean(policy, _POLICIES)} (known: {known})'
    if policy in ("step", "exp", "inv", "multistep", "sigmoid") and param.gamma < 0:
        return f"lr_policy {policy} needs gamma >= 0, got {param.gamma:g}"
    if policy in ("step", "sigmoid") and param.stepsize <= 0:
        return f"lr_policy {policy} needs stepsize > 0, got {param.stepsize}"
    if policy == "poly" and param.max_iter <= 0:
        return f"lr_policy poly needs max_iter > 0, got {param.max_iter}"
    return ""


def _power(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except (OverflowError, ZeroDivisionError):
        return float("inf")


def _poly(param: SolverParameter, iteration: int, step: int) -> float:
    # Caffe's formula gives NaN or a negative rate when training continues past max_iter.
    return param.base_lr * _power(max(0.0, 1 - iteration / param.max_iter), param.power)


def _sigmoid(param: SolverParameter, iteration: int, step: int) -> float:
    x = param.gamma * (iteration - param.stepsize)
    return param.base_lr * (1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x)))


_POLICIES: dict[str, Callable[[SolverParameter, int, int], float]] = {
    "fixed": lambda param, iteration, step: param.base_lr,
    "step": lambda param, iteration, step: param.base_lr * _power(param.gamma, step),
    "exp": lambda param, iteration, step: param.base_lr * _power(param.gamma, iteration),
    "inv": lambda param, iteration, step: (
        param.base_lr * _power(1 + param.gamma * iteration, -param.power)
    ),
    "multistep": lambda param, iteration, step: param.base_lr * _power(param.gamma, step),
    "poly": _poly,
    "sigmoid": _sigmoid,
}
