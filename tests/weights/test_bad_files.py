"""Files that hold no weights: each ends in one line that says what it is."""

import re

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_lite.errors import CaffeError, ModelError, SolverError
from caffe_lite.proto import schema
from caffe_lite.weights import read_weights
from caffe_lite.weights.solverstate import read_solverstate
from tests.weights.weight_nets import FILES, net_message

GOOD = net_message(a=[np.ones((3, 4)), np.ones(3)], b=[np.ones((200, 3))]).SerializeToString()


def message(path):
    with pytest.raises(ModelError) as caught:
        read_weights(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b'name: "net"\nlayer { name: "a" }\n', "this is text (a definition?)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 1\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "HTML page"),
        (b"PK\x03\x04\x14\x00", "damaged npz file"),
        (b"\x7fELF\x02\x01\x01\x00", "not a caffemodel, or damaged or cut short"),
        (schema.NetParameter(name="\x01bare").SerializeToString(), "it holds no layers"),
        (
            schema.BlobProto(
                num=1, channels=3, height=1, width=1, data=[1, 2, 3]
            ).SerializeToString(),
            "this is a single blob (a mean file?)",
        ),
        (GOOD.replace(b"\x0a\x02\x03\x04", b"\x0a\x02\x03\x05"), "has shape 3 x 5 but 12 values"),
        (GOOD + b"\x07", "no field starts at byte"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_other_files(tmp_path, content, says):
    path = tmp_path / "x.caffemodel"
    path.write_bytes(content)
    assert says in message(path)


def test_missing_file_and_folder(tmp_path):
    assert "no such file (looked in" in message(tmp_path / "none.caffemodel")
    assert "directory" in message(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["adam_iter_12.solverstate", "sgd_inv_iter_12.solverstate", "adam_iter_12.solverstate.h5"],
)
def test_solver_state_by_mistake(name):
    text = message(FILES / name)
    assert "this is a solver state, not weights" in text
    assert "--snapshot" in text


@pytest.mark.parametrize("length", [1, 5, 30, 60, len(GOOD) - 1])
def test_cut_short(tmp_path, length):
    path = tmp_path / "cut.caffemodel"
    path.write_bytes(GOOD[:length])
    message(path)


def test_hdf5_without_weights(tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros(3)
    assert 'without the group "data"' in message(path)
    assert "images" in message(path)


def test_hdf5_of_text(tmp_path):
    path = tmp_path / "strings.h5"
    with h5py.File(path, "w") as file:
        file["data/ip/0"] = "words"
    assert "/data/ip/0 must be a dataset of numbers" in message(path)
    with h5py.File(path, "w") as file:
        file["data"] = np.zeros(3)
    assert 'without the group "data"' in message(path)


def test_hdf5_with_names_that_are_not_utf8(tmp_path):
    path = tmp_path / "names.h5"
    with h5py.File(path, "w") as file:
        file["data/ip/1"] = np.ones(3)
        file[b"data/gr\xfcn/0"] = np.ones(2)
    weights = read_weights(path)
    assert {name: len(weights[name]) for name in weights} == {"ip": 2, "gr\udcfcn": 1}
    path = tmp_path / "dataset.h5"
    with h5py.File(path, "w") as file:
        file[b"data/ip/\xb2"] = np.ones(3)
    assert "must be a group of blobs" in message(path)


def test_hdf5_with_a_blob_of_a_number_beyond_all(tmp_path):
    path = tmp_path / "number.h5"
    with h5py.File(path, "w") as file:
        file["data/ip/99999999999"] = np.ones(3)
    assert message(path).endswith('damaged: blob 99999999999 of layer "ip"')


@pytest.mark.parametrize("fraction", [0.3, 0.9])
def test_hdf5_cut_short(tmp_path, fraction):
    content = (FILES / "adam_iter_12.caffemodel.h5").read_bytes()
    path = tmp_path / "cut.h5"
    path.write_bytes(content[: int(len(content) * fraction)])
    assert "damaged or cut short" in message(path)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=3))
def test_damage_is_an_error_or_other_weights(tmp_path_factory, place, patch):
    path = tmp_path_factory.getbasetemp() / "damaged.caffemodel"
    path.write_bytes(GOOD[:place] + patch + GOOD[place + len(patch) :])
    try:
        weights = read_weights(path)
    except ModelError as error:
        assert "\n" not in str(error)
    else:
        for name in weights:
            assert all(isinstance(array, np.ndarray) for array in weights[name])


@pytest.mark.parametrize("present", ["iter", "history"])
def test_hdf5_with_a_part_of_a_solver_state(tmp_path, present):
    path = tmp_path / "part.solverstate.h5"
    with h5py.File(path, "w") as file:
        file[present] = [12]
    with pytest.raises(SolverError, match=f"{path}: this holds no solver state"):
        read_solverstate(path)


@pytest.mark.parametrize("name", ["adam_iter_12.caffemodel.h5", "adam_iter_12.solverstate.h5"])
def test_damaged_hdf5_is_told_by_the_files_name(tmp_path, name):
    whole = (FILES / name).read_bytes()
    path = tmp_path / name
    told = []
    for found in re.finditer(b"TREE|SNOD|HEAP", whole):
        path.write_bytes(whole[: found.start()] + b"????" + whole[found.end() :])
        try:
            read_solverstate(path) if "state" in name else read_weights(path)
        except CaffeError as error:
            told.append(str(error))
    assert len(told) > 4  # what HDF5 keeps twice may be damaged once
    for text in told:
        assert text.startswith(f"{path}: damaged HDF5 file (")
        assert text.endswith("; copy it again, or use another snapshot")
        assert "\n" not in text
