"""Definitions, weights and states that come through a pipe, which can be read only once."""

import os
import threading
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from caffe_lite.cli import main
from caffe_lite.errors import ModelError, SolverError
from caffe_lite.proto import schema, text
from caffe_lite.proto.load import load_net, load_solver
from caffe_lite.proto.places import type_place
from caffe_lite.weights import read_weights
from caffe_lite.weights.solverstate import read_solverstate
from tests.weights.weight_nets import FILES, net_message

pytestmark = pytest.mark.skipif(
    not os.path.exists("/dev/fd"), reason="this system does not name its pipes"
)
SOLVER = schema.SolverParameter(train_net="a", base_lr=0.5, snapshot_prefix="run")


@contextmanager
def pipe(content):
    """The name of a pipe from which `content` comes."""
    source, target = os.pipe()

    def write():
        with suppress(BrokenPipeError), os.fdopen(target, "wb") as file:
            file.write(content)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield f"/dev/fd/{source}"
    finally:
        os.close(source)
        writer.join(timeout=5)  # one whose reader failed may wait for as long as that is kept


@pytest.mark.parametrize("as_text", [True, False])
def test_definitions(as_text):
    net = schema.NetParameter(name="through")
    net.layer.add(name="a", type="ReLU", bottom=["x"], top=["y"])
    for message, load in ((net, load_net), (SOLVER, load_solver)):
        content = text.format(message).encode() if as_text else message.SerializeToString()
        with pipe(content) as path:
            assert load(path) == message


def test_places_are_not_looked_up():
    """The net was read from it: what a second reader would wait for never comes."""
    with pipe(b'layer { name: "a" type: "Bogus" }') as path:
        assert type_place(path, "a", "Bogus") == ""


def test_upgrade_keeps_the_form_of_its_source(tmp_path, capsys):
    old = schema.NetParameter(name="old")
    old.layers.add(name="a", type=schema.V1LayerParameter.RELU, bottom=["x"], top=["y"])
    with pipe(old.SerializeToString()) as path:
        assert main(["upgrade", "net", path, str(tmp_path / "new")]) == 0
    assert "binary" in capsys.readouterr().out
    assert load_net(tmp_path / "new").layer[0].type == "ReLU"


def test_weights():
    values = np.arange(200_000, dtype="f4").reshape(400, 500)  # more than a pipe holds at once
    with pipe(net_message(a=[values]).SerializeToString()) as path:
        np.testing.assert_array_equal(read_weights(path)["a"][0], values)
    with pipe(b"") as path, pytest.raises(ModelError, match="the file is empty"):
        read_weights(path)


def test_solver_state():
    file = next(FILES.glob("*.solverstate"))
    with pipe(file.read_bytes()) as path:
        got, wanted = read_solverstate(path), read_solverstate(file)
        assert got.iteration == wanted.iteration > 0
        for a, b in zip(got.history, wanted.history, strict=True):
            np.testing.assert_array_equal(a.array(), b.array())


def test_hdf5_is_refused():
    for kind, read, error in (
        ("caffemodel", read_weights, ModelError),
        ("solverstate", read_solverstate, SolverError),
    ):
        content = next(FILES.glob(f"*.{kind}.h5")).read_bytes()
        with pipe(content) as path, pytest.raises(error, match="HDF5 cannot be read from a pipe"):
            read(path)
