"""Whole trainings on CPU and GPU with the shipped prototxts and data: equal loss curves."""

import os
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy

from caffe_lite.datasets.digits import load_digits
from caffe_lite.datasets.export import Folder
from caffe_lite.datasets.export_clips import write_moving_digits
from caffe_lite.proto import load
from caffe_lite.solvers import get_solver
from tools.gpu.context import Context

ROOT = Path(__file__).resolve().parents[2]

# Data set, solver, and iterations in float64 and in float32.
TRAININGS = {
    "LeNet on digits": ("digits", "prototxt/digits/solver.prototxt", 60, 300),
    "LRCN on moving digits": (
        "moving_digits",
        "prototxt/moving_digits/lrcn_solver.prototxt",
        20,
        60,
    ),
}
EXACT = 1e-6  # of every loss in float64
# In float32, rounding may turn on a ReLU on only one of the devices. From there the runs diverge,
# and only means over many iterations agree.
BEGINNING = 1e-3
MEAN = 0.05


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
                for dtype, count in (("float64", exact), ("float32", rounded)):
                    context.attempt(
                        f"{name}, {dtype}",
                        _same_curve,
                        context,
                        solver,
                        dtype,
                        3 if context.small else count,
                    )
            finally:
                os.chdir(before)


def _make_data(dataset: str) -> None:
    """Write the data set where the prototxts expect it, as HDF5, which needs no further package."""
    if dataset == "moving_digits":
        write_moving_digits("data/moving_digits", train_clips=600, test_clips=60)
        return
    folder = Folder("data/digits", {"dataset": "digits"}, 2)
    for split in ("train", "test"):
        images, labels = load_digits(split)
        arrays = {"data": images[:, None] / numpy.float32(16), "label": labels.astype("float32")}
        folder.hdf5(f"{split}.h5", partial(dict, arrays))
        folder.text(f"{split}.txt", f"{split}.h5\n")


def _same_curve(context: Context, solver: str, dtype: str, count: int) -> str:
    cpu, gpu = (
        _losses(solver, ops, count) for ops in (context.cpu(dtype), context.ops(dtype, "none"))
    )
    if dtype == "float64":
        offs = {"a loss": (_off(cpu, gpu), EXACT)}
    else:
        offs = {
            "the first losses": (_off(cpu[:5], gpu[:5]), BEGINNING),
            "the mean loss": (_off(cpu.mean(), gpu.mean()), MEAN),
        }
    for what, (off, allowed) in offs.items():
        if not off <= allowed:
            raise AssertionError(f"{what} is off by {off:.1e}: CPU {cpu[-3:]}, GPU {gpu[-3:]}")
    errors = ", ".join(f"{what} off by {off:.1e}" for what, (off, _) in offs.items())
    return f"{count} iterations, loss {gpu[0]:.4f} to {gpu[-1]:.4f}, {errors}"


def _off(cpu: Any, gpu: Any) -> float:
    return float(numpy.max(numpy.abs(gpu - cpu) / numpy.maximum(numpy.abs(cpu), 0.05)))


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
