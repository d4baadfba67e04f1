"""Damaged safetensors and npz files: one line each, and no more memory than the file allows."""

import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_lite.errors import CaffeError, ModelError
from caffe_lite.weights import read_weights, write_caffemodel
from caffe_lite.weights.convert import convert
from tests.weights.weight_nets import CHAIN, build


def message(path, content):
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        weights = read_weights(path)
        weights.verify()
        for name in weights:
            weights[name]
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and "\n" not in text
    return text


def safetensors(header, data=b""):
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + data


def entry(shape, offsets, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


TEXTS = {"format": "1", "definition": "", "layers": json.dumps({"a": [{"shape": [2]}]})}


@pytest.mark.parametrize(
    ("header", "size", "says"),
    [
        (b"{nonsense", 0, "its header cannot be read"),
        (b'{"a":' * 100_000, 0, "its header cannot be read"),
        ({"a/0": entry([2], [0, 8])}, 4, "its arrays end at byte"),
        ({"a/0": entry([2], [0, 8])}, 12, "its arrays end at byte"),
        ({"a/0": entry([2], [4, 12])}, 12, '"a/0" does not follow the array before it'),
        ({"a/0": entry([2], [0, 8]), "a/1": entry([2], [4, 12])}, 12, '"a/1" does not follow'),
        ({"a/0": entry([3], [0, 8])}, 8, '"a/0" has 8 bytes for its shape'),
        ({"a/0": entry([-1, -2], [0, 8])}, 8, "has no shape and offsets"),
        ({"a/0": entry([2.0], [0, 8])}, 8, "has no shape and offsets"),
        ({"a/0": entry([1] * 40, [0, 4])}, 4, "has no shape and offsets"),
        ({"a/0": entry([2**40, 2**40], [0, 8])}, 8, "for its shape"),
        ({"a/0": entry([2], [0, 8], "F8_E4M3")}, 8, "has the type F8_E4M3, which is not read"),
        ({"a/0": entry([2], [0, 8], ["F32"])}, 8, "which is not read"),
        ({"a/0": [1]}, 0, 'the entry "a/0"'),
        ({"a.weight": entry([2], [0, 8])}, 8, '"a.weight" is not named as a blob'),
        ({"a/99999": entry([2], [0, 8])}, 8, 'damaged: blob 99999 of layer "a"'),
        ({"__metadata__": 3}, 0, "its metadata is not an object"),
        ({"__metadata__": TEXTS, "a/0": entry([3], [0, 12])}, 12, "does not fit its blobs"),
        ({"__metadata__": TEXTS, "b/0": entry([2], [0, 8])}, 8, "does not fit its blobs"),
        ({"__metadata__": {**TEXTS, "format": "7"}, "a/0": entry([2], [0, 8])}, 8, "format 7"),
        ({"__metadata__": {**TEXTS, "layers": "[]"}, "a/0": entry([2], [0, 8])}, 8, "does not fit"),
    ],
)  # fmt: skip
def test_safetensors(tmp_path, header, size, says):
    assert says in message(tmp_path / "x.safetensors", safetensors(header, bytes(size)))


def archive(members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return file.getvalue()


def array(values):
    file = io.BytesIO()
    np.save(file, values, allow_pickle=True)
    return file.getvalue()


class Trap:
    def __reduce__(self):
        return pytest.fail, ("pickled code ran",)


GOOD = array(np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"a/0.npy": array(np.array([Trap()], object))}, "weights are numbers"),
        ({"a/0.npy": array(np.zeros(2, "c8"))}, "weights are numbers"),
        ({"a/0.npy": GOOD[:-4]}, "bytes, not those of its shape"),
        ({"a/0.npy": b"nonsense"}, "damaged npz file"),
        ({"a/0.npy": GOOD.replace(b"(2, 3)", b"(2,-3)")}, "its shape is not one"),
        ({"weight.npy": GOOD}, "is not named as a blob"),
        ({"archive/data.pkl": pickle.dumps({})}, "a zip archive or PyTorch file"),
        ({"metadata.json": "[]", "a/0.npy": GOOD}, "metadata.json is not an object"),
        ({"metadata.json": "{}"}, "it holds no arrays"),
    ],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_npz(tmp_path, members, says, method):
    assert says in message(tmp_path / "x.npz", archive(members, method))


def test_arrays_that_inflate(tmp_path):
    members = {f"a/{i}.npy": array(np.zeros(1 << 20)) for i in range(8)}
    said = message(tmp_path / "x.npz", archive(members, zipfile.ZIP_DEFLATED))
    assert "at most 100 times the file are read" in said


@settings(max_examples=150, deadline=None)
@given(st.data())
@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_changed_byte_or_end(tmp_path_factory, suffix, data):
    folder = tmp_path_factory.mktemp("fuzz")
    write_caffemodel(build(CHAIN), folder / "a.caffemodel")
    convert(folder / "a.caffemodel", folder / f"a{suffix}")
    content = bytearray((folder / f"a{suffix}").read_bytes())
    if data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    else:
        del content[data.draw(st.integers(1, len(content) - 1)) :]
    path = folder / f"b{suffix}"
    path.write_bytes(content)
    try:
        weights = read_weights(path)
        weights.verify()
        for name in weights:
            weights[name]
    except CaffeError as error:
        assert "\n" not in str(error)
