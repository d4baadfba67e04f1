"""The nearest name, and the hierarchy of errors."""

import pytest

from caffe_lite import errors

TYPES = ["Convolution", "Concat", "InnerProduct", "SoftmaxWithLoss", "Softmax", "ReLU", "PReLU"]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("Convolutoin", "Convolution"),
        ("conv", "Convolution"),
        ("CONVOLUTION", "Convolution"),
        ("inner_product", "InnerProduct"),
        ("SoftmaxLoss", "SoftmaxWithLoss"),
        ("softmx", "Softmax"),
        ("relu", "ReLU"),
    ],
)
def test_did_you_mean(name, nearest):
    assert errors.did_you_mean(name, TYPES) == f'; did you mean "{nearest}"?'


@pytest.mark.parametrize("name", ["", "x", "Crop3DWarp", "zzz"])
def test_nothing_near(name):
    assert errors.did_you_mean(name, TYPES) == ""
    assert errors.did_you_mean(name, []) == ""


def test_places():
    assert str(errors.PrototxtError("wrong")) == "wrong"
    assert str(errors.PrototxtError("wrong", "f")) == "f: wrong"
    assert str(errors.PrototxtError("wrong", "f", 2, 3)) == "f:2:3: wrong"


def test_all_are_caffe_errors():
    kinds = [value for name, value in vars(errors).items() if name.endswith("Error")]
    assert len(kinds) == 9
    assert all(issubclass(kind, errors.CaffeError) for kind in kinds)


def test_every_error_is_one_line_of_bounded_length():
    assert str(errors.DataError("a\nb\x1b[2J\N{LINE SEPARATOR}ü\udcff")) == (
        r"a\nb\x1b[2J\u2028ü" + "\udcff"
    )
    long = str(errors.PrototxtError("x" * 10_000 + "; mend it", "file", 3, 4))
    assert len(long) < 2000
    assert long.startswith("file:3:4: xxx") and long.endswith("xxx; mend it")
