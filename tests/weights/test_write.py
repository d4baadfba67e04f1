"""Weights files that are written, held against the reference's own."""

import os

import h5py
import numpy as np
import pytest

from caffe_lite.errors import CaffeError
from caffe_lite.proto import binary, schema, text
from caffe_lite.weights import copy_weights, read_weights, write_caffemodel, write_hdf5
from tests.weights.weight_nets import CHAIN, FILES, SHARED, assert_same, build, values

RECORDED = ["adam", "nesterov", "sgd_inv", "lstm_sgd_clip"]


def recorded_net(name, phase=schema.TRAIN):
    with np.load(FILES.parent / "solvers" / f"{name}.npz") as record:
        param = text.parse(str(record["solver"]), schema.SolverParameter)
    return build(text.format(param.net_param), phase)


@pytest.mark.parametrize("name", RECORDED)
def test_binary_file_equals_the_references(tmp_path, name):
    net = recorded_net(name)
    source = FILES / f"{name}_iter_12.caffemodel"
    copy_weights(net, read_weights(source))
    write_caffemodel(net, tmp_path / "ours")
    assert binary.read(tmp_path / "ours", schema.NetParameter) == binary.read(
        source, schema.NetParameter
    )


def tree(path):
    """Every group and dataset of an HDF5 file: its type and content."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, node: found.__setitem__(
                name,
                (
                    (node.dtype.str, node.shape, node[()].tobytes())
                    if isinstance(node, h5py.Dataset)
                    else "group"
                ),
            )
        )
    return found


@pytest.mark.parametrize("name", RECORDED)
def test_hdf5_file_equals_the_references(tmp_path, name):
    net = recorded_net(name)
    source = FILES / f"{name}_iter_12.caffemodel.h5"
    copy_weights(net, read_weights(source))
    write_hdf5(net, tmp_path / "ours.h5")
    assert tree(tmp_path / "ours.h5") == tree(source)


@pytest.mark.parametrize("write", [write_caffemodel, write_hdf5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_written_is_read(tmp_path, write, dtype):
    net = build(CHAIN, dtype=dtype)
    write(net, tmp_path / "weights")
    weights = read_weights(tmp_path / "weights")
    assert weights["a"][0].dtype == dtype
    assert set(weights) == {"data", "a", "relu", "b"}
    other = build(CHAIN, dtype=dtype, seed=2)
    copy_weights(other, weights)
    assert_same(values(other), values(net))


def test_gradients_on_request(tmp_path):
    net = build(SHARED)
    for i, blob in enumerate(net.learnable_params):
        blob.diff[...] = i + np.arange(blob.count).reshape(blob.shape)
    write_caffemodel(net, tmp_path / "net", diff=True)
    message = binary.read(tmp_path / "net", schema.NetParameter)
    assert list(message.layer[1].blobs[1].diff) == [1, 2, 3, 4]
    assert list(message.layer[2].blobs[0].diff) == list(range(16))
    write_hdf5(net, tmp_path / "net.h5", diff=True)
    found = tree(tmp_path / "net.h5")
    assert "data/b/0" not in found
    assert (
        found["diff/b/0"]
        == found["diff/a/0"]
        == ("<f4", (4, 4), np.arange(16, dtype="<f4").tobytes())
    )


def test_blobs_in_the_definition_are_not_written(tmp_path):
    """A net may be built from a caffemodel, whose layers hold blobs."""
    write_caffemodel(build(CHAIN), tmp_path / "first")
    definition = binary.read(tmp_path / "first", schema.NetParameter)
    net = build(text.format(definition), seed=2)
    write_caffemodel(net, tmp_path / "second")
    weights = read_weights(tmp_path / "second")
    assert [len(weights[name]) for name in weights] == [0, 2, 0, 2]
    np.testing.assert_array_equal(weights["a"][0], net.params["a"][0].data)


def test_layers_named_with_slashes(tmp_path):
    prototxt = CHAIN.replace('name: "a"', 'name: "block/a"').replace('name: "b"', 'name: "block"')
    net = build(prototxt)
    for write in (write_hdf5, write_caffemodel):
        write(net, tmp_path / "net")
        other = build(prototxt, seed=2)
        assert not copy_weights(other, read_weights(tmp_path / "net")).missing
        assert_same(values(other), values(net))


@pytest.mark.parametrize("write", [write_caffemodel, write_hdf5])
def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch, write):
    net = build(CHAIN)
    path = tmp_path / "net"
    write(net, path)
    before = path.read_bytes()
    calls = []

    def fail_at_the_third(self, array):
        calls.append(array)
        if len(calls) == 3:
            raise MemoryError("none left")
        return array

    monkeypatch.setattr(type(net.ops), "to_host", fail_at_the_third)
    with pytest.raises(MemoryError):
        write(net, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net"]


@pytest.mark.parametrize("write", [write_caffemodel, write_hdf5])
def test_no_folder(tmp_path, write):
    with pytest.raises(CaffeError, match="cannot be written"):
        write(build(CHAIN), tmp_path / "none" / "net")
