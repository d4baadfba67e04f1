"""Weights between caffemodel, HDF5, npz and safetensors: all ways, bit for bit."""

import itertools
import json
import struct

import numpy as np
import pytest

from caffe_lite.cli import main
from caffe_lite.errors import ModelError, UsageError
from caffe_lite.proto import schema, text
from caffe_lite.weights import copy_weights, read_weights, write_caffemodel, write_hdf5
from caffe_lite.weights.convert import convert
from caffe_lite.weights.definition import definition_of
from tests.weights.weight_nets import FILES, SHARED, assert_same, build, net_message, values

SUFFIXES = [".caffemodel", ".caffemodel.h5", ".npz", ".safetensors"]
RECORDED = sorted(path.name for path in FILES.glob("*.caffemodel"))
ODD_NAMES = """
name: "net"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 2 dim: 3 dim: 5 dim: 4 } } }
layer { name: "block/a.b" type: "Convolution" bottom: "data" top: "x"
        convolution_param { num_output: 4 kernel_size: 3
          weight_filler { type: "gaussian" } bias_filler { type: "gaussian" } } }
layer { name: "block/a.b/relu 1" type: "PReLU" bottom: "x" top: "x"
        prelu_param { channel_shared: true filler { type: "gaussian" } } }
layer { name: "tiefe_\\303\\251" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 3 bias_term: false weight_filler { type: "gaussian" } } }
"""


def same(one, other):
    """Whether two files hold the same layers in the same order, bit for bit."""
    assert list(one) == list(other)
    for name in one:
        assert len(one.stored[name]) == len(other.stored[name]), name
        for a, b in zip(one.stored[name], other.stored[name], strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                assert (a.shape, a.legacy, a.dtype) == (b.shape, b.legacy, b.dtype), name
                assert a.array().tobytes() == b.array().tobytes(), name


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_caffes_own_files_and_the_forks(tmp_path, name, suffix):
    convert(FILES / name, tmp_path / f"there{suffix}")
    convert(tmp_path / f"there{suffix}", tmp_path / "back.caffemodel")
    want, got = read_weights(FILES / name), read_weights(tmp_path / "back.caffemodel")
    if suffix == ".caffemodel.h5":  # its groups are in alphabetical order
        want.stored = {layer: want.stored[layer] for layer in got}
    same(got, want)
    if definition_of(want) is not None:
        assert definition_of(got) == definition_of(want)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(SUFFIXES, 2)))
def test_every_pair_of_formats(tmp_path, first, second, dtype):
    net = build(ODD_NAMES, dtype=dtype)
    write_caffemodel(net, tmp_path / "net.caffemodel")
    convert(tmp_path / "net.caffemodel", tmp_path / f"one{first}")
    convert(tmp_path / f"one{first}", tmp_path / f"two{second}")
    convert(tmp_path / f"two{second}", tmp_path / "back.caffemodel")
    if ".caffemodel.h5" not in (first, second):
        assert (tmp_path / "back.caffemodel").read_bytes() == (
            tmp_path / "net.caffemodel"
        ).read_bytes()
    other = build(ODD_NAMES, dtype=dtype, seed=2)
    report = copy_weights(other, read_weights(tmp_path / f"two{second}"))
    assert not report.missing
    assert_same(values(other), values(net))


def test_other_programs_read_the_files(tmp_path):
    safetensors = pytest.importorskip("safetensors", reason="needs the package safetensors")
    net = build(ODD_NAMES)
    write_caffemodel(net, tmp_path / "net.caffemodel")
    convert(tmp_path / "net.caffemodel", tmp_path / "net.safetensors")
    convert(tmp_path / "net.caffemodel", tmp_path / "net.npz")
    want = {f"{name}/{i}": array for (name, i), array in values(net).items()}
    with safetensors.safe_open(tmp_path / "net.safetensors", "numpy") as file:
        assert set(file.keys()) == set(want)
        for name, array in want.items():
            np.testing.assert_array_equal(file.get_tensor(name), array)
        texts = file.metadata()
    with np.load(tmp_path / "net.npz") as file:
        for name, array in want.items():
            np.testing.assert_array_equal(file[name], array)
        assert json.loads(file["metadata.json"])["definition"] == texts["definition"]
    layers = json.loads(texts["layers"])
    assert list(layers) == ["data", "block/a.b", "block/a.b/relu 1", "tiefe_é"]
    assert layers["block/a.b"][0]["shape"] == [4, 3, 3, 3]
    assert text.parse(texts["definition"], schema.NetParameter).layer[1].name == "block/a.b"


def test_files_of_other_programs_are_read(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy", reason="needs the package safetensors")
    arrays = {
        "ip/1": np.arange(4.0),
        "ip/0": np.asfortranarray(np.arange(12, dtype="f2").reshape(4, 3)),
        "a/b/0": np.full((2, 1, 2), -3, ">i2"),
    }
    np.savez(tmp_path / "plain.npz", **arrays)
    np.savez_compressed(tmp_path / "packed.npz", **arrays)
    native = {
        name: np.ascontiguousarray(a.astype(a.dtype.newbyteorder("=")))
        for name, a in arrays.items()
    }
    numpy.save_file(native, tmp_path / "x.safetensors")
    for name in ("plain.npz", "packed.npz", "x.safetensors"):
        weights = read_weights(tmp_path / name)
        weights.verify()
        assert set(weights) == {"ip", "a/b"}
        for key, array in arrays.items():
            layer, _, i = key.rpartition("/")
            got = weights[layer][int(i)]
            assert got.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
            np.testing.assert_array_equal(got, array)
            out = np.empty(array.shape, np.float32)
            weights.stored[layer][int(i)].read_into(out)
            np.testing.assert_array_equal(out, array)


def test_bfloat16(tmp_path):
    numbers = np.array([[1.5, -2.25], [3e38, 1e-38]], np.float32)
    halves = (numbers.view(np.uint32) >> 16).astype("<u2")
    header = {"ip/0": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}}
    head = json.dumps(header).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(head)) + head + halves.tobytes())
    want = (halves.astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_array_equal(read_weights(path)["ip"][0], want)
    convert(path, tmp_path / "x.caffemodel")
    np.testing.assert_array_equal(read_weights(tmp_path / "x.caffemodel")["ip"][0], want)


def test_shared_blobs(tmp_path):
    """HDF5 leaves them out; the definition says which they are."""
    net = build(SHARED)
    write_hdf5(net, tmp_path / "net.h5")
    with pytest.raises(ModelError, match='blob 0 of layer "b" is shared .*give its definition'):
        convert(tmp_path / "net.h5", tmp_path / "net.caffemodel")
    assert not (tmp_path / "net.caffemodel").exists()
    (tmp_path / "net.prototxt").write_text(SHARED)
    for suffix in (".npz", ".safetensors"):
        convert(tmp_path / "net.h5", tmp_path / f"net{suffix}")
        assert read_weights(tmp_path / f"net{suffix}").stored["b"][0] is None
        options = ["--net", str(tmp_path / "net.prototxt")]
        target = str(tmp_path / "net.caffemodel")
        assert main(["convert", str(tmp_path / f"net{suffix}"), target, *options]) == 0
        weights = read_weights(target)
        np.testing.assert_array_equal(weights["b"][0], net.params["a"][0].data)
        other = build(SHARED, seed=2)
        copy_weights(other, read_weights(tmp_path / f"net{suffix}"))
        assert_same(values(other), values(net))


def test_whole_or_not_at_all(tmp_path, monkeypatch):
    source, target = tmp_path / "a.caffemodel", tmp_path / "a.npz"
    write_caffemodel(build(ODD_NAMES), source)
    target.write_bytes(b"before")
    from caffe_lite.weights import npz

    def fail(blob):
        raise MemoryError("none left")

    monkeypatch.setattr(npz, "bytes_of", fail)
    with pytest.raises(MemoryError):
        convert(source, target)
    assert target.read_bytes() == b"before"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.caffemodel", "a.npz"]


def test_a_damaged_source_writes_nothing(tmp_path):
    write_caffemodel(build(ODD_NAMES), tmp_path / "a.caffemodel")
    for suffix in (".npz", ".safetensors"):
        path = tmp_path / f"a{suffix}"
        convert(tmp_path / "a.caffemodel", path)
        content = bytearray(path.read_bytes())
        first = read_weights(path)["block/a.b"][0].tobytes()
        content[content.index(first) + 8] ^= 4
        path.write_bytes(content)
        with pytest.raises(ModelError, match='damaged.*"?block/a.b/0'):
            convert(path, tmp_path / "b.caffemodel")
        net = build(ODD_NAMES, seed=2)
        before = values(net)
        with pytest.raises(ModelError, match="damaged"):
            copy_weights(net, read_weights(path))
        assert_same(values(net), before)
        assert main(["verify", str(path)]) == 1
    assert not (tmp_path / "b.caffemodel").exists()


def test_verify_knows_the_formats(tmp_path, capsys):
    write_caffemodel(build(ODD_NAMES), tmp_path / "a.caffemodel")
    for suffix in (".npz", ".safetensors"):
        convert(tmp_path / "a.caffemodel", tmp_path / f"a{suffix}")
        assert main(["verify", "--json", str(tmp_path / f"a{suffix}")]) == 0
        (report,) = json.loads(capsys.readouterr().out)
        assert report["kind"] == "weights" and report["checksum"]
        assert report["dialect"] == f"{suffix[1:]}, float32"
        assert report["holds"] == {"layers": 4, "blobs": 4, "numbers": 185, "not finite": 0}


def test_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_caffemodel(build(ODD_NAMES), "a.caffemodel")
    assert main(["convert", "a.caffemodel", "odd.name", "--to", "npz"]) == 0
    assert capsys.readouterr().out == "odd.name: npz, 4 layers, 4 blobs, 185 numbers\n"
    assert main(["convert", "a.caffemodel", "a.bin"]) == 2
    assert (
        "a.bin: unknown suffix .bin; weights are one of .caffemodel, .h5" in capsys.readouterr().err
    )
    with pytest.raises(UsageError):
        convert("a.caffemodel", "noname")


def test_names_that_hdf5_cannot_hold(tmp_path):
    (tmp_path / "a").write_bytes(
        net_message(**{"x": [np.ones(2)], "x/0": [np.ones(3)]}).SerializeToString()
    )
    with pytest.raises(ModelError, match='cannot hold layer "x/0" beside a blob of that name'):
        convert(tmp_path / "a", tmp_path / "a.h5")
    for suffix in (".npz", ".safetensors", ".caffemodel"):
        convert(tmp_path / "a", tmp_path / f"b{suffix}")
        same(read_weights(tmp_path / f"b{suffix}"), read_weights(tmp_path / "a"))


def test_integers_that_a_caffemodel_would_change(tmp_path):
    np.savez(tmp_path / "a.npz", **{"ip/0": np.array([1, 2**24 + 1], np.int32)})
    with pytest.raises(ModelError, match='blob "ip/0" has the type int32'):
        convert(tmp_path / "a.npz", tmp_path / "a.caffemodel")
    np.savez(tmp_path / "b.npz", **{"ip/0": np.array([1, 2**24], np.int32)})
    convert(tmp_path / "b.npz", tmp_path / "b.caffemodel")
    assert read_weights(tmp_path / "b.caffemodel")["ip"][0].tolist() == [1, 2**24]
