"""The three backends on the CPU, and gradients by central differences."""

import numpy
import pytest

from caffe_lite.backend import Ops, native
from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native.ops import NativeOps

KINDS = ["reference", "numpy", "native"]
each_backend = pytest.mark.parametrize("kind", KINDS)
each_type = pytest.mark.parametrize("dtype", ["float32", "float64"])


def make_ops(kind, dtype="float64"):
    """The backend of that kind; skips the test where native code cannot be made."""
    if kind == "reference":
        return Ops(dtype=dtype)
    if kind == "numpy":
        return NumpyOps(dtype)
    library = native.load(dtype)
    if library is None:
        pytest.skip("native code needs a C compiler and a cache to keep it in")
    return NativeOps(library, dtype)


def numeric_gradient(function, x, step=1e-6):
    """d function() / d x, element by element; `function` reads the float64 array x."""
    gradient = numpy.empty_like(x)
    for i in numpy.ndindex(*x.shape):
        kept = x[i]
        x[i] = kept + step
        above = function()
        x[i] = kept - step
        gradient[i] = (above - function()) / (2 * step)
        x[i] = kept
    return gradient


def assert_close(got, wanted, tolerance, what="the result"):
    """Largest error relative to the largest value; NaN and infinity in the same places.

    A failure begins with `what`: the array's name, and the case where one test tries many.
    """
    got, wanted = numpy.asarray(got, float), numpy.asarray(wanted, float)
    assert got.shape == wanted.shape, f"{what} has shape {got.shape}, expected {wanted.shape}"
    finite = numpy.isfinite(wanted)
    numpy.testing.assert_array_equal(got[~finite], wanted[~finite], f"{what}: NaN and infinity")
    if finite.any():
        error = numpy.abs(got[finite] - wanted[finite]).max()
        error /= max(1e-30, numpy.abs(wanted[finite]).max())
        assert error <= tolerance, f"{what} is off by {error:.2e}, allowed {tolerance:.0e}"
