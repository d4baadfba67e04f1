"""Weights files of every dialect, held against the arrays that they must yield."""

import struct

import numpy as np
import pytest

from caffe_lite.errors import ModelError
from caffe_lite.proto import schema
from caffe_lite.weights import copy_weights, read_weights
from tests.weights.weight_nets import CAPTIONER, CLASSIFIER, FILES, build

DIALECTS = ["bvlc", "recurrent", "lrcn2014", "v1", "legacy4d", "double"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_recorded_files_bit_for_bit(dialect):
    with np.load(FILES / f"dialect_{dialect}.npz") as file:
        want = dict(file)
    net = build(CLASSIFIER if dialect == "v1" else CAPTIONER)
    report = copy_weights(net, read_weights(FILES / f"dialect_{dialect}.caffemodel"))
    assert not report.missing
    got = {
        f"{name}/{i}": blob.data
        for name, blobs in net.params.items()
        for i, blob in enumerate(blobs)
    }
    assert got.keys() == set(want)
    for key in want:
        np.testing.assert_array_equal(got[key], want[key], err_msg=key)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_mapping_of_arrays(dialect):
    with np.load(FILES / f"dialect_{dialect}.npz") as file:
        want = dict(file)
    weights = read_weights(FILES / f"dialect_{dialect}.caffemodel")
    for key in want:
        layer, i = key.split("/")
        array = weights[layer][int(i)]
        assert array.dtype == ("<f8" if dialect == "double" else "<f4")
        assert array.shape[-want[key].ndim :] == want[key].shape
        np.testing.assert_array_equal(array.reshape(want[key].shape).astype("f4"), want[key])
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_v0_layers(tmp_path):
    net = schema.NetParameter()
    v0 = net.layers.add().layer
    v0.name, v0.type = "ip", "innerproduct"
    v0.blobs.add(num=1, channels=1, height=2, width=3, data=range(6))
    v0.blobs.add(num=1, channels=1, height=1, width=2, data=[7, 8])
    path = tmp_path / "v0.caffemodel"
    path.write_bytes(net.SerializeToString())
    weights = read_weights(path)
    assert list(weights) == ["ip"]
    np.testing.assert_array_equal(weights["ip"][0], np.arange(6.0).reshape(1, 1, 2, 3))
    np.testing.assert_array_equal(weights["ip"][1], np.reshape([7.0, 8.0], (1, 1, 1, 2)))


def delimited(number, content):
    return schema_varint(number << 3 | 2) + schema_varint(len(content)) + content


def schema_varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def model_with_blob(tmp_path, blob):
    layer = delimited(1, b"ip") + delimited(2, b"InnerProduct") + delimited(7, blob)
    path = tmp_path / "made.caffemodel"
    path.write_bytes(delimited(1, b"net") + delimited(100, layer))
    return path


SHAPE_2_3 = delimited(7, delimited(1, bytes([2, 3])))
NUMBERS = np.array([1.5, -2, 3e-8, 4e20, 5, -6.25], np.float32)


def packed(numbers):
    return delimited(5, struct.pack(f"<{len(numbers)}f", *numbers))


def unpacked(numbers):
    return b"".join(b"\x2d" + struct.pack("<f", number) for number in numbers)


@pytest.mark.parametrize(
    "blob",
    [
        packed(NUMBERS) + SHAPE_2_3,
        SHAPE_2_3 + packed(NUMBERS[:2]) + packed(NUMBERS[2:]),
        unpacked(NUMBERS) + SHAPE_2_3,
        unpacked(NUMBERS[:4]) + SHAPE_2_3 + unpacked(NUMBERS[4:]),
        unpacked(NUMBERS[:1]) + packed(NUMBERS[1:5]) + unpacked(NUMBERS[5:]) + SHAPE_2_3,
        delimited(7, b"\x08\x02\x08\x03") + packed(NUMBERS),
        b"\xd2\x07\x03abc" + packed(NUMBERS) + b"\x5b\x08\x01\x5c" + SHAPE_2_3,
        b"".join(b"\xad\x00" + struct.pack("<f", number) for number in NUMBERS) + SHAPE_2_3,
        b"".join(b"\x41" + struct.pack("<d", number) for number in NUMBERS) + SHAPE_2_3,
    ],
    ids=[
        "packed",
        "in parts",
        "unpacked",
        "unpacked in parts",
        "mixed",
        "unpacked shape",
        "unknown fields and groups",
        "tags of two bytes",
        "unpacked doubles",
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_layout_of_numbers(tmp_path, blob, dtype):
    weights = read_weights(model_with_blob(tmp_path, blob))
    want = NUMBERS.reshape(2, 3)
    np.testing.assert_array_equal(weights["ip"][0], want)
    out = np.empty((2, 3), dtype)
    weights.stored["ip"][0].read_into(out)
    np.testing.assert_array_equal(out, want)


def test_many_unpacked_numbers(tmp_path):
    numbers = np.random.default_rng(1).normal(size=9000).astype("f4")
    blob = unpacked(numbers) + delimited(7, delimited(1, schema_varint(9000)))
    np.testing.assert_array_equal(read_weights(model_with_blob(tmp_path, blob))["ip"][0], numbers)


@pytest.mark.parametrize(("kind", "dtype"), [(0, "<f8"), (1, "<f4"), (2, "<f2")])
def test_raw_data(tmp_path, kind, dtype):
    halves = np.array([[0.5, -1.25, 3], [4, 5, 1024]], dtype)
    blob = SHAPE_2_3 + bytes([10 << 3, kind]) + delimited(12, halves.tobytes())
    path = model_with_blob(tmp_path, blob)
    np.testing.assert_array_equal(read_weights(path)["ip"][0], halves)
    out = np.empty((2, 3), np.float32)
    read_weights(path).stored["ip"][0].read_into(out)
    np.testing.assert_array_equal(out, halves)


def test_raw_data_of_unknown_type(tmp_path):
    blob = SHAPE_2_3 + bytes([10 << 3, 4]) + delimited(12, bytes(24))
    with pytest.raises(ModelError, match="raw data of unknown type 4"):
        read_weights(model_with_blob(tmp_path, blob))


def test_a_layer_named_twice_keeps_its_blobs(tmp_path):
    net = schema.NetParameter()
    net.layer.add(name="ip").blobs.add(data=[3], shape=schema.BlobShape(dim=[1]))
    net.layer.add(name="ip")
    path = tmp_path / "twice.caffemodel"
    path.write_bytes(net.SerializeToString())
    assert [array.tolist() for array in read_weights(path)["ip"]] == [[3.0]]
