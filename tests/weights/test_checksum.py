"""Checksums of weights: damage is found, whatever and wherever it is; Caffe's files need none."""

import random

import h5py
import numpy as np
import pytest

from caffe_lite.cli import main
from caffe_lite.errors import CaffeError, ModelError
from caffe_lite.proto import binary, schema
from caffe_lite.weights import checksum, copy_weights, read_weights, write_caffemodel, write_hdf5
from caffe_lite.weights.hdf5_checksum import CHECKSUM, FORMAT_VERSION
from tests.weights.weight_nets import CHAIN, FILES, assert_same, build, values

WRITERS = {"net.caffemodel": write_caffemodel, "net.caffemodel.h5": write_hdf5}
# Two blobs of 1.4 and 1.2 MB, pieces of their own, among small ones.
LARGE = CHAIN.replace("num_output: 4", "num_output: 60000").replace("dim: 3", "dim: 6")


@pytest.fixture(params=WRITERS)
def written(request, tmp_path):
    """write(prototxt) -> the path of that net's weights."""

    def write(prototxt=CHAIN):
        path = tmp_path / request.param
        identity = WRITERS[request.param](build(prototxt), path)
        assert identity == checksum.identity_of(path.read_bytes())
        return path

    return write


def damaged(content, rng):
    """The bytes with one fault of a common kind, and what it is."""
    at, length = rng.randrange(len(content)), rng.randrange(1, 600)
    kind = rng.choice(("bit", "byte", "zeros", "cut", "dropped", "doubled", "exchanged"))
    changed = bytearray(content)
    if kind == "bit":
        changed[at] ^= 1 << rng.randrange(8)
    elif kind == "byte":
        changed[at] = rng.randrange(256)
    elif kind == "zeros":
        changed[at : at + length] = bytes(len(changed[at : at + length]))
    elif kind == "cut":
        del changed[at:]
    elif kind == "dropped":
        del changed[at : at + length]
    elif kind == "doubled":
        changed[at:at] = changed[at : at + length]
    else:
        other = rng.randrange(len(content))
        changed[at], changed[other] = changed[other], changed[at]
    return bytes(changed), f"{kind} at {at}"


def test_every_fault_is_found(written):
    path, rng = written(), random.Random(1)
    content = path.read_bytes()
    sound = values(build(CHAIN))
    whole = 0
    for _ in range(1500):
        changed, what = damaged(content, rng)
        path.write_bytes(changed)
        if changed == content:
            continue
        net = build(CHAIN)
        try:
            copy_weights(net, read_weights(path))
        except CaffeError as error:
            assert "\n" not in str(error)
            continue
        whole += 1
        # Without the two fields at its end a binary file is one that Caffe could have written.
        assert what.startswith(("cut", "dropped")), what
        assert_same(values(net), sound)
    assert whole < 30


@pytest.mark.parametrize("in_use", [False, True])
def test_damage_of_a_large_array_changes_nothing(written, in_use):
    path = written(LARGE)
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 4
    path.write_bytes(content)
    net, same = build(LARGE, seed=3), build(LARGE, seed=3)
    want = values(same)
    if in_use:
        values(net)
    with pytest.raises(ModelError, match=r"damaged: bytes \d+ to \d+ are not those"):
        copy_weights(net, read_weights(path))
    assert_same(values(net), want)
    weights = read_weights(path)
    with pytest.raises(ModelError, match="damaged"):
        weights.verify()
    with pytest.raises(ModelError, match="damaged"):
        _ = weights["a"]
    assert weights["b"][1].shape == (5,)  # another piece, which is whole


def test_damage_of_a_layer_that_the_net_lacks(written):
    path = written(LARGE)
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 4
    path.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        copy_weights(build(CHAIN.replace('name: "a"', 'name: "other"')), read_weights(path), ["x"])


def test_large_arrays_are_read_once_and_right(written, monkeypatch):
    path = written(LARGE)
    verified = []
    monkeypatch.setattr(
        "caffe_lite.weights.mapped.LargeDigest",
        lambda: verified.append(1) or checksum.LargeDigest(),
    )
    net = build(LARGE, seed=3)
    copy_weights(net, read_weights(path))
    assert len(verified) == 2  # the weights of both layers
    assert_same(values(net), values(build(LARGE)))


def test_files_by_caffe_are_read_as_ever():
    for path in (*FILES.glob("*.caffemodel"), *FILES.glob("*.caffemodel.h5")):
        read_weights(path).verify()


def test_caffes_readers_skip_the_checksum(tmp_path):
    write_caffemodel(build(CHAIN), tmp_path / "net.caffemodel")
    message = schema.NetParameter.FromString((tmp_path / "net.caffemodel").read_bytes())
    assert [layer.name for layer in message.layer] == ["data", "a", "relu", "b"]
    write_hdf5(build(CHAIN), tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5") as file:
        assert list(file) == ["data"]
        assert set(file.attrs) == {FORMAT_VERSION, CHECKSUM}


def test_edited_files_say_how_to_drop_the_checksum(tmp_path, capsys):
    write_caffemodel(build(CHAIN), tmp_path / "net.caffemodel")
    message = schema.NetParameter.FromString((tmp_path / "net.caffemodel").read_bytes())
    message.layer[1].blobs[0].data[0] = 7
    (tmp_path / "edited.caffemodel").write_bytes(message.SerializeToString())
    with pytest.raises(ModelError, match="as `caffe_lite upgrade net IN OUT` does"):
        read_weights(tmp_path / "edited.caffemodel")
    names = [str(tmp_path / name) for name in ("edited.caffemodel", "new.caffemodel")]
    assert main(["upgrade", "net", *names]) == 0
    assert read_weights(names[1])["a"][0][0, 0] == 7


def test_messages_that_are_read_whole_have_no_checksum(tmp_path):
    write_caffemodel(build(CHAIN), tmp_path / "net.caffemodel")
    message = binary.read(tmp_path / "net.caffemodel", schema.NetParameter)
    size = message.ByteSize()
    message.DiscardUnknownFields()
    assert message.ByteSize() == size


def test_a_newer_format_is_read_with_a_warning(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("caffe_lite.weights.trailer.format_code", lambda: checksum.format_code(2))
    monkeypatch.setattr(
        "caffe_lite.weights.hdf5_checksum.format_code", lambda: checksum.format_code(2)
    )
    for name, write in WRITERS.items():
        caplog.clear()
        write(build(CHAIN), tmp_path / name)
        assert read_weights(tmp_path / name)["a"][0].shape == (4, 3)
        assert (
            "written by a newer version of caffe_lite (format 2, this one reads 1)" in caplog.text
        )


@pytest.mark.parametrize("size", [0, 1, 7, checksum.LARGE - 1, checksum.LARGE, checksum.LARGE + 9])
def test_each_byte_of_a_piece_counts(size):
    rng = np.random.default_rng(size)
    data = rng.integers(0, 256, size, np.uint8)
    sound = checksum.digest(data)
    assert len({sound, checksum.digest(np.append(data, np.uint8(0)))}) == 2
    for at in rng.integers(0, max(1, size), 20) if size else ():
        data[at] ^= 1
        assert checksum.digest(data) != sound
        data[at] ^= 1
    assert checksum.digest(data) == sound


def test_parts_make_the_piece():
    data = np.random.default_rng(3).integers(0, 256, 3 * checksum.CHUNK + 5, np.uint8)
    parts = checksum.LargeDigest()
    for start in range(0, len(data), checksum.ROW):
        parts.add(data[start : start + checksum.ROW])
    assert parts.digest() == checksum.digest(data)
    swapped = data.copy()
    swapped[: checksum.ROW], swapped[checksum.ROW : 2 * checksum.ROW] = (
        data[checksum.ROW : 2 * checksum.ROW],
        data[: checksum.ROW],
    )
    assert checksum.digest(swapped) != checksum.digest(data)
