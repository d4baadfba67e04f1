"""The description of the machine says which CPU backend runs, and why."""

import pytest

from caffe_lite.backend import native
from caffe_lite.backend.describe import describe_cpu


def test_numpy_with_its_reason(monkeypatch):
    monkeypatch.setenv("CAFFE_LITE_NATIVE", "0")
    reason = "CAFFE_LITE_NATIVE=0 turns it off"
    assert native.unavailable_reason() == reason
    assert describe_cpu()["CPU backend"] == f"NumPy (no native code: {reason})"


def test_native_with_its_origin():
    library = native.load("float32")
    if library is None:
        pytest.skip(f"no native code: {native.unavailable_reason()}")
    assert library.origin == "compiled for this processor" or library.origin.startswith("packaged ")
    assert describe_cpu()["CPU backend"] == f"native, {library.origin}"
