"""Memory of the device and of the process over two thousand iterations."""

import gc
import os
from pathlib import Path
from typing import Any

from caffe_lite.proto import schema, text
from caffe_lite.solvers import get_solver
from tools.gpu import nets
from tools.gpu.context import Context
from tools.gpu.graphs import record_or_not

PAGE = os.sysconf("SC_PAGE_SIZE")


def run(context: Context) -> None:
    for recorded, iterations in ((True, 2000), (False, 500)):
        how = "recorded" if recorded else "layer by layer"
        count = 8 if context.small else iterations
        context.attempt(
            f"{count} iterations {how}",
            _steady,
            context,
            recorded,
            count,
        )


def _steady(context: Context, recorded: bool, iterations: int) -> str:
    ops = context.ops("float32", "convolution")
    param = text.parse(
        nets.solver_text(nets.lenet(1, 16) if context.small else nets.lenet(8)),
        schema.SolverParameter,
    )
    with get_solver(param, ops) as solver:
        record_or_not(solver, recorded)
        early = max(
            4, iterations // 4
        )  # by then the iteration is recorded and workspaces have grown
        _iterate(solver, early)
        before = _memory(ops)
        _iterate(solver, iterations - early)
        after = _memory(ops)
    grown = {name: after[name] - before[name] for name in before}
    if grown["device"] > 0 or grown["process"] > 16 * 2**20:
        raise AssertionError(f"memory grew by {grown} bytes")
    return f"device {after['device']} bytes, grown by {grown}"


def _iterate(solver: Any, count: int) -> None:
    for i in range(count):
        nets.fill_inputs(solver.net, 10, seed=i % 7)
        solver.step(1)
        if i % 50 == 0:  # inputs in flight are not a leak
            solver.ops.synchronize()


def _memory(ops: Any) -> dict[str, int]:
    """Bytes in use: of the device's arrays, and of the process's memory."""
    ops.synchronize()
    gc.collect()
    statm = Path("/proc/self/statm")
    resident = int(statm.read_text().split()[1]) * PAGE if statm.exists() else 0
    return {
        "device": ops.xp.get_default_memory_pool().used_bytes(),
        "process": resident,
    }
