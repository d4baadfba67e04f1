"""The structure of what a solver state holds beyond Caffe's fields, checked before it is used."""

from typing import Any

from caffe_lite.solvers.plateau import is_plateau_state
from caffe_lite.types import State

PARTS = {"type", "losses", "net", "test_nets"}


def check_extra(extra: State) -> str:
    """What is wrong with the saved state of a solver (see `Solver.get_state`); "" if nothing.

    The states of layers are dicts, whose contents only the layers know.
    """
    if not extra.keys() >= PARTS:
        return f"lacks parts ({', '.join(sorted(PARTS - extra.keys()))})"
    tests = extra["test_nets"]
    if not isinstance(extra["type"], str):
        return "names no type of solver"
    if not _is_losses(extra["losses"]):
        return "has no list of losses"
    if not isinstance(tests, list) or not all(map(_is_net, [extra["net"], *tests])):
        return "has no states of layers"
    if "plateau" in extra and not is_plateau_state(extra["plateau"]):
        return "has a lowest loss that is not a number"
    correlations = extra.get("correlations", [])
    if not isinstance(correlations, list) or not all(map(_is_number, correlations)):
        return "has correlations that are not numbers"
    return ""


def _is_losses(losses: Any) -> bool:
    if not isinstance(losses, dict):
        return False
    count, values = losses.get("count"), losses.get("values")
    return (
        type(count) is int
        and isinstance(values, list)
        and len(values) <= count < 2**63
        and all(map(_is_number, values))
    )


def _is_number(value: Any) -> bool:
    """Whether a value is a float, or an integer that fits one."""
    return type(value) is float or (type(value) is int and abs(value) < 2**63)


def _is_net(state: Any) -> bool:
    return isinstance(state, dict) and all(isinstance(layer, dict) for layer in state.values())
