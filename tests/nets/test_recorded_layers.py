"""Layers and small nets, forward and backward, as BVLC Caffe 1.0 ran them (CPU, float32).

Each `tests/reference/layers/NAME.npz` holds a net's prototxt, its learned blobs, and for one or
more steps what went in, what came out and which gradients followed.
"""

from pathlib import Path

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

CASES = sorted((Path(__file__).parents[1] / "reference" / "layers").glob("*.npz"))
TOLERANCE = 1e-4  # of the norm: the record is in float32


def assert_agrees(what, got, want):
    got = np.asarray(got, np.float64).reshape(want.shape)
    floor = 1e-3 * np.sqrt(max(1, want.size))
    error = np.linalg.norm(got - want) / max(np.linalg.norm(want), floor)
    assert error < TOLERANCE, f"{what}: error {error:.1e}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_as_recorded(path, dtype):
    with np.load(path) as file:
        record = dict(file)
    definition = text.parse(str(record.pop("prototxt")), schema.NetParameter)
    phase = getattr(schema, str(record.pop("phase")))
    steps = int(record.pop("steps"))
    with Net(definition, phase, get_ops(dtype=dtype), seed=0) as net:
        for key, values in record.items():
            if key.startswith("param/"):
                blob_of(net, key.removeprefix("param/")).data[...] = values
        for step in range(steps):
            prefix = f"step{step}/" if steps > 1 else ""
            run_step(
                net,
                {
                    key.removeprefix(prefix): values
                    for key, values in record.items()
                    if key.startswith(prefix) and not key.startswith("param/")
                },
            )


def run_step(net, record):
    for _, name, values in parts(record, "in"):
        net.blobs[name].data[...] = values
    net.forward()
    for kind, name, values in parts(record, "out"):
        assert_agrees(f"{kind}/{name}", net.blobs[name].data, values)
    if any(parts(record, "indiff", "paramdiff")):
        net.clear_param_diffs()
        is_loss = any(layer.is_loss for layer in net.layers)
        for _, name, values in () if is_loss else parts(record, "topdiff"):
            net.blobs[name].diff[...] = values
        net.backward()
    for kind, name, values in parts(record, "indiff"):
        assert_agrees(f"{kind}/{name}", net.blobs[name].diff, values)
    for kind, name, values in parts(record, "paramdiff", "paramafter"):
        blob = blob_of(net, name)
        assert_agrees(f"{kind}/{name}", blob.diff if kind == "paramdiff" else blob.data, values)


def parts(record, *kinds):
    for key, values in record.items():
        kind, _, name = key.partition("/")
        if kind in kinds:
            yield kind, name, values


def blob_of(net, name):
    layer, _, index = name.rpartition("/")
    return net.params[layer][int(index)]
