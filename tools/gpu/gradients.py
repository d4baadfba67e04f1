"""Backward passes on the GPU against finite differences of its own forward passes."""

from typing import Any

from caffe_lite.testing.gradient_check import check_layer
from tests.layer_cases import CASES, NAMES
from tools.gpu.context import Context

LEFT_OUT = {"Python"}  # user code, which runs on the host


def run(context: Context) -> None:
    ops = context.ops("float64")
    for name, case in list(zip(NAMES, CASES, strict=True))[:: 8 if context.small else 1]:
        if case.gradient and case.type not in LEFT_OUT:
            context.attempt(name, _check, ops, case)


def _check(ops: Any, case: Any) -> str:
    results = check_layer(
        case.prototxt,
        case.bottoms,
        phase=case.phase,
        propagate_down=case.flags,
        tolerance=max(1e-6, case.tolerance),
        tops=case.tops,
        ops=ops,
    )
    return f"error {max((result.error for result in results), default=0.0):.1e}"
