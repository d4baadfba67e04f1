"""Weights copied into nets by layer name."""

import tracemalloc

import h5py
import numpy as np
import pytest

from caffe_lite.errors import ModelError
from caffe_lite.weights import CopyReport, copy_weights, read_weights, write_caffemodel, write_hdf5
from tests.weights.weight_nets import CHAIN, SHARED, assert_same, build, net_message, values


def save(tmp_path, **blobs):
    path = tmp_path / "made.caffemodel"
    path.write_bytes(net_message(**blobs).SerializeToString())
    return read_weights(path)


def noise(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("f4")


def test_copied_ignored_and_missing(tmp_path):
    net = build(CHAIN)
    before = values(net)
    weights = save(tmp_path, other=[noise(9)], b=[noise(5, 4), noise(5)], relu=[], gone=[])
    report = copy_weights(net, weights)
    np.testing.assert_array_equal(net.params["b"][0].data, noise(5, 4))
    np.testing.assert_array_equal(net.params["b"][1].data, noise(5))
    np.testing.assert_array_equal(net.params["a"][0].data, before["a", 0])
    path = weights.path
    assert report == CopyReport({"b": path}, {path: ["other"]}, ["a"])
    assert report.text().splitlines() == [
        f"{path}: weights of 1 layer copied",
        "    1 layer ignored, not in this net: other",
        "1 layer not in the file, starting values kept: a",
    ]


def test_files_one_after_the_other(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    first = save(tmp_path / "1", a=[noise(4, 3), noise(4)], b=[noise(5, 4), noise(5)])
    second = save(tmp_path / "2", b=[-noise(5, 4), noise(5)], c=[noise(2)])
    net = build(CHAIN)
    report = net.copy_trained_layers_from(f"{first.path}, {second.path}")
    np.testing.assert_array_equal(net.params["a"][0].data, noise(4, 3))
    np.testing.assert_array_equal(net.params["b"][0].data, -noise(5, 4))
    assert report.copied == {"a": first.path, "b": second.path}
    assert report.ignored == {first.path: [], second.path: ["c"]}
    assert report.missing == []
    assert len(report.text().splitlines()) == 3


@pytest.mark.parametrize(
    ("b", "says"),
    [
        ([noise(4, 5), noise(5)], "blob 0 is 4 x 5 there and 5 x 4 here"),
        ([noise(20), noise(5)], "blob 0 is 20 there and 5 x 4 here"),
        ([noise(5, 4)], "has 1 blob there and 2 here"),
        ([noise(5, 4), noise(5), noise(1)], "has 3 blobs there and 2 here"),
        ([], "has 0 blobs there and 2 here"),
    ],
)
def test_what_does_not_fit_copies_nothing(tmp_path, b, says):
    net = build(CHAIN)
    before = values(net)
    weights = save(tmp_path, a=[noise(4, 3), noise(4)], b=b)
    with pytest.raises(ModelError) as caught:
        copy_weights(net, weights)
    assert str(caught.value) == (
        f'{weights.path}: layer "b" (InnerProduct) {says}; to learn it from scratch instead of '
        "copying it, rename the layer in the net"
    )
    assert_same(values(net), before)


@pytest.mark.parametrize(
    ("legacy", "fits"),
    [((1, 1, 5, 4), True), ((1, 1, 4, 5), False), ((5, 4, 1, 1), False), ((1, 5, 4, 1), False)],
)
def test_legacy_shapes_fit_from_the_end(tmp_path, legacy, fits):
    message = net_message(b=[noise(5, 4), noise(5)])
    blob = message.layer[0].blobs[0]
    blob.ClearField("shape")
    blob.num, blob.channels, blob.height, blob.width = legacy
    path = tmp_path / "legacy.caffemodel"
    path.write_bytes(message.SerializeToString())
    net = build(CHAIN)
    if fits:
        copy_weights(net, read_weights(path))
        np.testing.assert_array_equal(net.params["b"][0].data, noise(5, 4))
    else:
        with pytest.raises(ModelError, match="there and 5 x 4 here"):
            copy_weights(net, read_weights(path))


def test_only_some_layers(tmp_path):
    net = build(CHAIN)
    before = values(net)
    weights = save(tmp_path, a=[noise(4, 3), noise(4)], b=[noise(5, 4), noise(5)])
    report = copy_weights(net, weights, only={"b"})
    np.testing.assert_array_equal(net.params["a"][0].data, before["a", 0])
    np.testing.assert_array_equal(net.params["b"][0].data, noise(5, 4))
    assert report.missing == []


def test_the_first_of_two_layers_with_one_name(tmp_path):
    net = build(
        CHAIN.replace('name: "a"', 'name: "b"')
        .replace("num_output: 5", "num_output: 4")
        .replace("dim: 3", "dim: 4")
    )
    before = net.layers[3].blobs[0].data.copy()
    copy_weights(net, save(tmp_path, b=[noise(4, 4), noise(4)]))
    np.testing.assert_array_equal(net.layers[1].blobs[0].data, noise(4, 4))
    np.testing.assert_array_equal(net.layers[3].blobs[0].data, before)


def test_starting_values_are_spared(tmp_path):
    net = build(CHAIN)
    for blob in net.learnable_params:
        blob.fill_on_first_use(lambda data: pytest.fail("filled"))
    copy_weights(net, save(tmp_path, a=[noise(4, 3), noise(4)], b=[noise(5, 4), noise(5)]))
    np.testing.assert_array_equal(net.params["a"][1].data, noise(4))


@pytest.mark.parametrize("write", [write_caffemodel, write_hdf5])
def test_shared_blobs(tmp_path, write):
    net = build(SHARED)
    path = tmp_path / "shared.caffemodel"
    write(net, path)
    other = build(SHARED, seed=2)
    report = copy_weights(other, read_weights(path))
    assert report.missing == []
    assert_same(values(other), values(net))
    assert other.params["a"][0].data is not other.params["b"][0].data
    assert np.shares_memory(other.params["a"][0].data, other.params["b"][0].data)
    lone = build(SHARED.replace('param { name: "w" }', "param { }"))
    if write is write_hdf5:
        assert read_weights(path)["b"][0] is None
        with pytest.raises(ModelError, match="has 1 blob there and 2 here"):
            copy_weights(lone, read_weights(path))
    else:
        copy_weights(lone, read_weights(path))
        np.testing.assert_array_equal(lone.params["b"][0].data, net.params["a"][0].data)


def test_hdf5_numbers_of_any_type(tmp_path):
    with h5py.File(tmp_path / "i.h5", "w") as file:
        file["data/b/0"] = np.arange(20).reshape(5, 4)
        file["data/b/1"] = np.linspace(0, 1, 5)
    net = build(CHAIN)
    copy_weights(net, read_weights(tmp_path / "i.h5"))
    np.testing.assert_array_equal(net.params["b"][0].data, np.arange(20).reshape(5, 4))
    np.testing.assert_array_equal(net.params["b"][1].data, np.linspace(0, 1, 5, dtype="f4"))


@pytest.mark.parametrize("write", [write_caffemodel, write_hdf5])
def test_memory_for_one_copy_is_enough(tmp_path, write):
    prototxt = CHAIN.replace("num_output: 4", "num_output: 50000").replace("5 ", "20 ")
    net = build(prototxt)
    size = sum(blob.data.nbytes for blob in net.learnable_params)
    tracemalloc.start()
    try:
        write(net, tmp_path / "big")
        assert tracemalloc.get_traced_memory()[1] < 0.1 * size
        other = build(prototxt)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        copy_weights(other, read_weights(tmp_path / "big"))
        assert tracemalloc.get_traced_memory()[1] - before < 1.1 * size
    finally:
        tracemalloc.stop()
    assert_same(values(other), values(net))
