"""Layers and solvers on the GPU, compared with recorded runs of BVLC Caffe 1.0."""

from pathlib import Path
from typing import Any

import numpy

from caffe_lite.errors import CaffeError
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.solvers import get_solver
from tools.gpu.context import Context

REFERENCE = Path(__file__).resolve().parents[2] / "tests" / "reference"
TOLERANCE = 1e-4  # relative to the norm; the record is in float32


def run(context: Context) -> None:
    for dtype in ("float32", "float64"):
        ops = context.ops(dtype)
        for path in sorted((REFERENCE / "layers").glob("*.npz")):
            context.attempt(f"layers/{path.stem}, {dtype}", _layer, path, ops)
        for path in sorted((REFERENCE / "solvers").glob("*.npz")):
            context.attempt(f"solvers/{path.stem}, {dtype}", _solver, path, ops)


def _layer(path: Path, ops: Any) -> str:
    record = _load(path)
    definition = text.parse(str(record.pop("prototxt")), schema.NetParameter)
    phase = getattr(schema, str(record.pop("phase")))
    steps = int(record.pop("steps"))
    with Net(definition, phase, ops, seed=0) as net:
        for key, values in record.items():
            if key.startswith("param/"):
                _param(net, key.removeprefix("param/")).data[...] = ops.asarray(values)
        worst = 0.0
        for step in range(steps):
            prefix = f"step{step}/" if steps > 1 else ""
            part = {
                key.removeprefix(prefix): values
                for key, values in record.items()
                if key.startswith(prefix) and not key.startswith("param/")
            }
            worst = max(worst, _step(net, ops, part))
    return f"error {worst:.1e}"


def _step(net: Net, ops: Any, record: dict[str, Any]) -> float:
    """One forward and, if it was recorded, one backward pass; the largest error."""
    parts = [(*key.partition("/")[::2], values) for key, values in record.items()]
    for kind, name, values in parts:
        if kind == "in":
            net.blobs[name].data[...] = ops.asarray(values)
    net.forward()
    worst = 0.0
    for kind, name, values in parts:
        if kind == "out":
            worst = max(worst, _error(ops, f"out/{name}", net.blobs[name].data, values))
    if {"indiff", "paramdiff"} & {kind for kind, _, _ in parts}:
        net.clear_param_diffs()
        if not any(layer.is_loss for layer in net.layers):
            for kind, name, values in parts:
                if kind == "topdiff":
                    net.blobs[name].diff[...] = ops.asarray(values)
        net.backward()
    for kind, name, values in parts:
        array = None
        if kind == "indiff":
            array = net.blobs[name].diff
        elif kind == "paramdiff":
            array = _param(net, name).diff
        elif kind == "paramafter":
            array = _param(net, name).data
        if array is not None:
            worst = max(worst, _error(ops, f"{kind}/{name}", array, values))
    return worst


def _solver(path: Path, ops: Any) -> str:
    record = _load(path)
    solver = get_solver(text.parse(str(record["solver"]), schema.SolverParameter), ops)
    worst = 0.0
    with solver:
        for key, values in record.items():
            if key.startswith("init/"):
                _param(solver.net, key.removeprefix("init/")).data[...] = ops.asarray(values)
        for iteration in range(len(record["loss"])):
            for key, values in record.items():
                if key.startswith("in/"):
                    blob = solver.net.blobs[key.removeprefix("in/")]
                    blob.data[...] = ops.asarray(values[iteration])
            solver.step(1)
            for key, values in record.items():
                prefix = f"after/{iteration}/"
                if key.startswith(prefix):
                    data = _param(solver.net, key.removeprefix(prefix)).data
                    worst = max(worst, _error(ops, key, data, values))
    return f"error {worst:.1e}"


def _load(path: Path) -> dict[str, Any]:
    with numpy.load(path) as file:
        return dict(file)


def _param(net: Net, name: str) -> Any:
    layer, _, index = name.rpartition("/")
    return net.params[layer][int(index)]


def _error(ops: Any, what: str, array: Any, wanted: numpy.ndarray) -> float:
    got = numpy.asarray(ops.to_host(array), float).reshape(wanted.shape)
    floor = 1e-3 * numpy.sqrt(max(1, wanted.size))
    error = float(numpy.linalg.norm(got - wanted) / max(numpy.linalg.norm(wanted), floor))
    if not error < TOLERANCE:
        raise CaffeError(f"{what}: error {error:.1e}, allowed {TOLERANCE:.0e}")
    return error
