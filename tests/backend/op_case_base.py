"""What the cases of operations share: their registry, inputs, and the comparison of results."""

from collections.abc import Callable
from typing import Any

import numpy

CASES: dict[str, Callable[[Any, numpy.random.Generator], list[numpy.ndarray]]] = {}


def case(name):
    def add(run):
        CASES[name] = run
        return run

    return add


def blank(ops, *shape, dtype=None):
    """An array that is wrong until it is written."""
    out = ops.empty(shape, dtype)
    out.fill(numpy.nan if dtype is None else -77)
    return out


def hosts(ops, *arrays):
    return [numpy.array(ops.to_host(array)) for array in arrays]


def normal(ops, rng, *shape):
    return ops.asarray(rng.standard_normal(shape))


def compare(got, wanted, tolerance):
    """The largest error of `got` against `wanted`, each array's relative to its largest value.

    Raises AssertionError beyond `tolerance`, on shapes that differ, and on NaN or infinity in
    different places. Integers must be equal.
    """
    worst = 0.0
    if len(got) != len(wanted):
        raise AssertionError(f"{len(got)} results, expected {len(wanted)}")
    for i, (a, b) in enumerate(zip(got, wanted, strict=True)):
        if a.shape != b.shape:
            raise AssertionError(f"result {i} has shape {a.shape}, expected {b.shape}")
        if b.dtype.kind != "f":
            if not numpy.array_equal(a, b):
                raise AssertionError(f"result {i}: integers differ")
            continue
        finite = numpy.isfinite(b)
        if not numpy.array_equal(a[~finite], b[~finite], equal_nan=True) or not (
            numpy.isfinite(a[finite]).all()
        ):
            raise AssertionError(f"result {i}: NaN or infinity in different places")
        if finite.any():
            difference = numpy.abs(a[finite].astype(float) - b[finite]).max()
            error = difference / max(1e-30, float(numpy.abs(b[finite]).max()))
            worst = max(worst, error)
            if error > tolerance:
                raise AssertionError(f"result {i} is off by {error:.2e}, allowed {tolerance:.0e}")
    return worst
