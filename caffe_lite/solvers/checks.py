"""Checks of solver parameters that need no net: missing, contradictory and out of range."""

import json
import os

from caffe_lite.errors import SolverError
from caffe_lite.forks.translate import check_additions
from caffe_lite.solvers.detection import detection_problem
from caffe_lite.solvers.local_rates import local_rates_problem
from caffe_lite.solvers.lr_policy import policy_problem
from caffe_lite.solvers.schedules import schedule_problem
from caffe_lite.solvers.weight_limits import weight_limits_problem
from caffe_lite.types import SolverParameter

TRAIN_NET_FIELDS = ("net", "net_param", "train_net", "train_net_param")
NOT_NEGATIVE = ("test_interval", "test_offset", "display", "snapshot", "max_iter", "weight_decay")
POSITIVE = ("average_loss", "iter_size")
_LONGEST_PATH = 4095  # bytes
# The most that a snapshot adds to the prefix, and the part that its temporary file has in front.
_LONGEST_ENDING = "_iter_2147483647.solverstate.h5" + "." * 10


NETS = ("net_param", "train_net_param", "test_net_param")
# Fields that forks of Caffe added to SolverParameter, and that solvers here honour.
HONOURED = (
    "device_id__list",
    *("eval_type", "ap_version", "show_per_class_result"),
    *("plateau_winsize", "stagelr", "stageiter"),
    *("warmup_iter", "warmup_start_lr", "rampup_interval", "rampup_lr", "min_lr"),
    *("momentum_policy", "max_momentum", "momentum_power"),
    *("weight_decay_policy", "weight_decay_power", "max_weight_decay"),
    *("larc", "larc_policy", "larc_eta", "larc_turbo", "local_lr_auto", "local_gw_ratio"),
    *("clamp_weights_lower", "clamp_weights_upper", "clip_weights"),
    *("test_offset", "disabled_update", "test_and_snapshot_last_epochs"),
)


def check_solver(param: SolverParameter, place: str) -> None:
    """Raise SolverError, beginning with `place`, for a SolverParameter that cannot be used."""
    check_additions(param, place, SolverError, skip=NETS, honoured=HONOURED)
    problem = (
        _train_net(param)
        or _test_nets(param)
        or _ranges(param)
        or policy_problem(param)
        or schedule_problem(param)
        or local_rates_problem(param)
        or weight_limits_problem(param)
        or _unsupported(param)
        or _regularization(param)
        or detection_problem(param)
    )
    if problem:
        raise SolverError(f"{place}: {problem}")


def _train_net(param: SolverParameter) -> str:
    given = [name for name in TRAIN_NET_FIELDS if param.HasField(name)]
    if len(given) == 1:
        return ""
    fields = ", ".join(TRAIN_NET_FIELDS)
    if not given:
        return f"no train net; give one of {fields}"
    return f"{' and '.join(given)} are given; a solver takes exactly one of {fields}"


def _test_nets(param: SolverParameter) -> str:
    own = len(param.test_net_param) + len(param.test_net)
    count = len(param.test_iter)
    generic = param.HasField("net") or param.HasField("net_param")
    if count < own or (count > own and not generic):
        return f"test_iter must be given once per test net: {own} test nets, {count} test_iter" + (
            ""
            if generic or count < own
            else " (net or net_param would serve for more, train_net does not)"
        )
    if len(param.test_state) not in (0, count):
        return (
            f"test_state must be given once per test net or not at all: {count} test nets, "
            f"{len(param.test_state)} test_state"
        )
    if count and param.test_interval <= 0:
        return f"test_interval must be above 0 where test_iter is given, got {param.test_interval}"
    if any(value < 0 for value in param.test_iter):
        return f"test_iter must not be negative, got {min(param.test_iter)}"
    return ""


def _ranges(param: SolverParameter) -> str:
    for name in POSITIVE:
        if getattr(param, name) < 1:
            return f"{name} must be at least 1, got {getattr(param, name)}"
    for name in NOT_NEGATIVE:
        if getattr(param, name) < 0:
            return f"{name} must not be negative, got {getattr(param, name):g}"
    return ""


def _regularization(param: SolverParameter) -> str:
    if param.weight_decay and param.regularization_type not in ("L1", "L2"):
        return f'regularization_type must be "L1" or "L2", got "{param.regularization_type}"'
    return ""


def _unsupported(param: SolverParameter) -> str:
    if param.disabled_update:
        return "disabled_update: true leaves the update to another process; remove it"
    if param.test_and_snapshot_last_epochs > 0:
        return (
            "test_and_snapshot_last_epochs is not supported, because a solver here counts "
            "iterations, not epochs; give test_interval and snapshot instead"
        )
    return ""


def check_prefix(prefix: str, place: str) -> None:
    """Raise SolverError unless files can be made at the snapshot prefix."""
    shown = prefix if len(prefix) <= 80 else f"{prefix[:60]}..."
    where = f"{place}: snapshot_prefix {json.dumps(shown, ensure_ascii=False)}"
    if "\0" in prefix:
        raise SolverError(f"{where}: no file name can hold a NUL character")
    folder, name = os.path.split(prefix)
    folder = folder or "."
    if not os.path.isdir(folder):
        if len(os.fsencode(folder)) > _LONGEST_PATH:
            raise SolverError(f"{where}: has {len(prefix)} characters, too many for a path")
        raise SolverError(
            f'{where}: there is no folder "{folder}"; make it first (mkdir -p {folder})'
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SolverError(f'{where}: the folder "{folder}" cannot be written to')
    longest = len(os.fsencode(name)) + len(_LONGEST_ENDING)
    limit = os.pathconf(folder, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
    if longest > limit:
        raise SolverError(
            f"{where}: with the ending of a snapshot the file name has up to {longest} bytes, "
            f"and the file system takes {limit}"
        )
