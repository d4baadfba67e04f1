"""Learning rate policies: the rate of an iteration, from a SolverParameter.

fixed       base_lr
step        base_lr gamma^floor(iter / stepsize)
exp         base_lr gamma^iter
inv         base_lr (1 + gamma iter)^-power
multistep   base_lr gamma^(number of stepvalues reached)
poly        min_lr + (base_lr - min_lr) (1 - iter / max_iter)^power, min_lr from max_iter on
sigmoid     base_lr / (1 + e^(-gamma (iter - stepsize)))
plateau     base_lr gamma^(steps taken because the loss stopped falling), see `Plateau`
multifixed  stagelr[s] for the first stage s with iter <= stageiter[s], the last one after them all

`min_lr` (NVIDIA's, default 0) is the least rate under every policy. The first iterations can have a
rate of their own, during which no policy counts steps:

warmup_iter      warmup_start_lr + (base_lr - warmup_start_lr) iter / warmup_iter (Intel's)
rampup_interval  rampup_lr + (base_lr - rampup_lr) (iter / rampup_interval)^2 (NVIDIA's)

Sources of what Caffe 1.0 lacks: intel/caffe, NVIDIA/caffe, weiliu89/caffe (plateau),
eric612/MobileNet-YOLO (multifixed).
"""

from collections.abc import Callable
from math import exp

from caffe_lite.errors import did_you_mean
from caffe_lite.types import SolverParameter


def learning_rate(param: SolverParameter, iteration: int, current_step: int) -> tuple[float, int]:
    """The learning rate of `iteration` (from 0), and the step count after it.

    `current_step` is the step count after the previous iteration. Policies without steps return it
    unchanged. For the policy plateau it is the step count after this iteration's loss.
    """
    if _starts_slowly(param, iteration):
        return max(_starting_rate(param, iteration), param.min_lr), current_step
    step = current_step
    if param.lr_policy == "step":
        step = iteration // param.stepsize
    elif (
        param.lr_policy == "multistep"
        and step < len(param.stepvalue)
        and iteration >= param.stepvalue[step]
    ):
        step += 1  # at most one per iteration, even if several values are equal
    rate = _POLICIES[param.lr_policy](param, iteration, step)
    return max(rate, param.min_lr) if param.HasField("min_lr") else rate, step


def _starts_slowly(param: SolverParameter, iteration: int) -> bool:
    """Whether the iteration is one of the first, whose rate rises to base_lr."""
    return bool(iteration < max(param.warmup_iter, param.rampup_interval))


def _starting_rate(param: SolverParameter, iteration: int) -> float:
    if param.warmup_iter > 0:
        start, part = param.warmup_start_lr, iteration / param.warmup_iter
    else:
        start, part = param.rampup_lr, (iteration / param.rampup_interval) ** 2
    return float(start + (param.base_lr - start) * part)


def policy_problem(param: SolverParameter) -> str:
    """What is wrong with the policy's parameters, or ''."""
    policy = param.lr_policy
    known = ", ".join(_POLICIES)
    if not policy:
        return f"lr_policy is not set; choose one of {known}"
    if policy not in _POLICIES:
        return f'unknown lr_policy "{policy}"{did_you_mean(policy, _POLICIES)} (known: {known})'
    if policy in ("step", "exp", "inv", "multistep", "sigmoid", "plateau") and param.gamma < 0:
        return f"lr_policy {policy} needs gamma >= 0, got {param.gamma:g}"
    if policy in ("step", "sigmoid") and param.stepsize <= 0:
        return f"lr_policy {policy} needs stepsize > 0, got {param.stepsize}"
    if policy == "poly" and param.max_iter <= 0:
        return f"lr_policy poly needs max_iter > 0, got {param.max_iter}"
    if policy == "plateau" and any(size <= 0 for size in param.plateau_winsize):
        return f"plateau_winsize must be above 0, got {min(param.plateau_winsize)}"
    return _stages_problem(param) or _start_problem(param)


def _stages_problem(param: SolverParameter) -> str:
    rates, ends = len(param.stagelr), len(param.stageiter)
    if param.lr_policy != "multifixed":
        return ""
    if not rates or rates != ends:
        return (
            "lr_policy multifixed needs a stageiter for every stagelr, got "
            f"{rates} stagelr and {ends} stageiter"
        )
    return ""


def _start_problem(param: SolverParameter) -> str:
    for name in ("warmup_iter", "warmup_start_lr", "rampup_interval", "rampup_lr", "min_lr"):
        if getattr(param, name) < 0:
            return f"{name} must not be negative, got {getattr(param, name):g}"
    if param.warmup_iter and param.rampup_interval:
        return "warmup_iter and rampup_interval are both given; give one of them"
    if param.lr_policy == "poly" and param.min_lr > param.base_lr:
        return f"lr_policy poly needs min_lr <= base_lr, got {param.min_lr:g} > {param.base_lr:g}"
    return ""


def _power(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except (OverflowError, ZeroDivisionError):
        return float("inf")


def _by_steps(param: SolverParameter, iteration: int, step: int) -> float:
    return param.base_lr * _power(param.gamma, step)


def _poly(param: SolverParameter, iteration: int, step: int) -> float:
    # Caffe's formula gives NaN or a negative rate when training continues past max_iter.
    left = _power(max(0.0, 1 - iteration / param.max_iter), param.power)
    return param.min_lr + (param.base_lr - param.min_lr) * left


def _sigmoid(param: SolverParameter, iteration: int, step: int) -> float:
    x = param.gamma * (iteration - param.stepsize)
    return param.base_lr * (1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x)))


def _multifixed(param: SolverParameter, iteration: int, step: int) -> float:
    for rate, last in zip(param.stagelr, param.stageiter, strict=True):
        if iteration <= last:
            return float(rate)
    return float(param.stagelr[-1])


_POLICIES: dict[str, Callable[[SolverParameter, int, int], float]] = {
    "fixed": lambda param, iteration, step: param.base_lr,
    "step": _by_steps,
    "exp": lambda param, iteration, step: param.base_lr * _power(param.gamma, iteration),
    "inv": lambda param, iteration, step: (
        param.base_lr * _power(1 + param.gamma * iteration, -param.power)
    ),
    "multistep": _by_steps,
    "poly": _poly,
    "sigmoid": _sigmoid,
    "plateau": _by_steps,
    "multifixed": _multifixed,
}
