"""Whole trainings on both devices, from the prototxts and the data that ship: the same curves."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy

from caffe_lite.proto import load
from caffe_lite.solvers import get_solver

from .context import Context

ROOT = Path(__file__).resolve().parents[2]

# Data set, solver, and iterations in float64 and in float32.
TRAININGS = {
    "LeNet on digits": ("digits", "prototxt/digits/solver.prototxt", 60, 300),
    "LRCN on moving digits": (
        "moving_digits",
        "prototxt/moving_digits/solver.prototxt",
        6,
        20,
    ),
}
# Rounding grows as training goes on; these bound what a fault would exceed at once.
EXACT = 1e-6
ROUNDED = 2e-2


def run(context: Context) -> None:
    for name, (dataset, solver, exact, rounded) in TRAININGS.items():
        if context.small and dataset != "digits":
            continue
        if not (ROOT / solver).exists():
            context.check(f"{name}: {solver} exists", False, "not in this checkout")
            continue
        with tempfile.TemporaryDirectory() as folder:
            before = os.getcwd()
            os.chdir(folder)
            try:
                shutil.copytree(ROOT / "prototxt", "prototxt")
                _make_data(dataset)
                for dtype, count, tolerance in (
                    ("float64", exact, EXACT),
                    ("float32", rounded, ROUNDED),
                ):
                    context.attempt(
                        f"{name}, {dtype}",
                        _same_curve,
                        context,
                        solver,
                        dtype,
                        3 if context.small else count,
                        tolerance,
                    )
            finally:
                os.chdir(before)


def _make_data(dataset: str) -> None:
    """The data set as `caffe_lite dataset` writes it, where the prototxts look for it."""
    done = subprocess.run(
        [sys.executable, "-m", "caffe_lite", "dataset", dataset],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    if done.returncode:
        raise RuntimeError(f"caffe_lite dataset {dataset}: {done.stderr.strip()}")


def _same_curve(context: Context, solver: str, dtype: str, count: int, tolerance: float) -> str:
    curves = [
        _losses(solver, ops, count) for ops in (context.cpu(dtype), context.ops(dtype, "none"))
    ]
    cpu, gpu = curves
    if dtype == "float32":
        # Single losses drift apart; their means over ten iterations must not.
        cpu, gpu = (_means(curve) for curve in curves)
    worst = float(numpy.max(numpy.abs(gpu - cpu) / numpy.maximum(numpy.abs(cpu), 0.05)))
    if not worst <= tolerance:
        raise AssertionError(f"the loss is off by {worst:.1e}: CPU {cpu[-3:]}, GPU {gpu[-3:]}")
    return f"{count} iterations, loss {curves[1][0]:.4f} to {curves[1][-1]:.4f}, off by {worst:.1e}"


def _losses(path: str, ops: Any, count: int) -> numpy.ndarray:
    param = load.load_solver(path)
    param.display = param.snapshot = 0
    param.test_interval = param.max_iter
    param.test_initialization = param.snapshot_after_train = False
    losses = []
    with get_solver(param, ops, path=path) as solver:
        for _ in range(count):
            solver.step(1)
            losses.append(float(ops.to_host(solver.net.loss())))
    return numpy.array(losses)


def _means(curve: numpy.ndarray) -> numpy.ndarray:
    whole = len(curve) // 10 * 10
    return curve[:whole].reshape(-1, 10).mean(axis=1) if whole else curve
