"""Every layer on the GPU, compared with the same layer on the CPU."""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy

from caffe_lite.errors import CaffeError
from caffe_lite.nets.backward_plan import takes_gradient
from caffe_lite.testing.harness import LayerRun, make_layer
from tests.layer_cases import CASES, NAMES, SOURCES
from tests.layer_sources import LAYERS
from tools.gpu.context import Context

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
# The field by which a layer names a file that it reads.
SOURCE = re.compile(r"""\b(source|video_file|name_size_file): ["']""")


def run(context: Context) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "my_layers.py").write_text(LAYERS)
        sys.path.insert(0, folder)
        try:
            for dtype in TOLERANCE:
                for name, case in zip(NAMES, CASES, strict=True):
                    # Layers that read files only copy or count; `training` covers some of them.
                    if case not in SOURCES and not SOURCE.search(case.prototxt):
                        context.attempt(f"{name}, {dtype}", _parity, context, case, dtype)
        finally:
            sys.path.remove(folder)


def _parity(context: Context, case: Any, dtype: str) -> str:
    wanted, got = (_run(case, ops) for ops in (context.cpu(dtype), context.ops(dtype)))
    worst = 0.0
    for name, array in wanted.items():
        error = _error(name, got[name], array)
        if not error <= TOLERANCE[dtype]:
            raise CaffeError(f"{name} is off by {error:.2e}")
        worst = max(worst, error)
    return f"error {worst:.1e}"


def _run(case: Any, ops: Any) -> dict[str, numpy.ndarray]:
    run = make_layer(case.prototxt, case.bottoms, ops=ops, phase=case.phase, seed=3, tops=case.tops)
    try:
        return _outcome(run, case)
    finally:
        run.layer.close()


def _outcome(run: LayerRun, case: Any) -> dict[str, numpy.ndarray]:
    """All results of one forward and backward pass, by name."""
    found = {f"top {i}": top for i, top in enumerate(run.forward())}
    flags = list(case.flags or takes_gradient(run.layer, len(run.bottom)))
    if case.gradient and any(flags):
        rng = numpy.random.default_rng(7)
        diffs = [
            numpy.full(blob.shape, weight) if weight else rng.standard_normal(blob.shape)
            for blob, weight in zip(run.top, run.layer.loss_weight, strict=True)
        ]
        bottoms, params = run.backward(diffs, flags)
        found |= {
            f"bottom {i} diff": diff
            for i, (diff, flag) in enumerate(zip(bottoms, flags, strict=True))
            if flag
        }
        found |= {f"blob {i} diff": diff for i, diff in enumerate(params)}
    return found


def _error(name: str, got: numpy.ndarray, wanted: numpy.ndarray) -> float:
    if got.shape != wanted.shape:
        raise CaffeError(f"{name} has shape {got.shape}, expected {wanted.shape}")
    if not wanted.size:
        return 0.0
    difference = numpy.abs(got.astype(float) - wanted).max()
    return float(difference / max(1e-3, float(numpy.abs(wanted).max())))
