"""What operation cases share: the registry, inputs, and the comparison of results."""

from collections.abc import Callable
from typing import Any

import numpy

Results = dict[str, numpy.ndarray]  # by the name that a failure reports

CASES: dict[str, Callable[[Any, numpy.random.Generator], Results]] = {}


def case(name):
    def add(run):
        CASES[name] = run
        return run

    return add


def blank(ops, *shape, dtype=None):
    """An array of wrong values, to be overwritten by the operation."""
    out = ops.empty(shape, dtype)
    out.fill(numpy.nan if dtype is None else -77)
    return out


def hosts(ops, **arrays):
    """Host copies of the results, by name."""
    return {name: numpy.array(ops.to_host(array)) for name, array in arrays.items()}


def named(variant, **arrays):
    """The results of one variant of a case: `y` becomes "y (variant)"."""
    return {f"{name} ({variant})": array for name, array in arrays.items()}


def normal(ops, rng, *shape):
    return ops.asarray(rng.standard_normal(shape))


def compare(got, wanted, tolerance):
    """The largest error of results `got` against `wanted`, relative to each array's largest value.

    Raises an AssertionError that names the array for an error beyond `tolerance`, a different
    shape, different integers, and NaN or infinity in different places.
    """
    if list(got) != list(wanted):
        raise AssertionError(f"results are {list(got)}, expected {list(wanted)}")
    return max((_error(name, got[name], wanted[name], tolerance) for name in wanted), default=0.0)


def _error(name, got, wanted, tolerance):
    if got.shape != wanted.shape:
        raise AssertionError(f"{name} has shape {got.shape}, expected {wanted.shape}")
    if wanted.dtype.kind != "f":
        differ = numpy.argwhere(got != wanted)
        if len(differ):
            first = tuple(differ[0].tolist())
            raise AssertionError(
                f"{name}{list(first)} is {got[first]}, expected {wanted[first]}; "
                f"{len(differ)} of {wanted.size} integers differ"
            )
        return 0.0
    finite = numpy.isfinite(wanted)
    same = numpy.array_equal(got[~finite], wanted[~finite], equal_nan=True)
    if not same or not numpy.isfinite(got[finite]).all():
        raise AssertionError(f"{name} has NaN or infinity in other places than expected")
    if not finite.any():
        return 0.0
    difference = numpy.abs(got[finite].astype(float) - wanted[finite]).max()
    error = difference / max(1e-30, float(numpy.abs(wanted[finite]).max()))
    if error > tolerance:
        raise AssertionError(f"{name} is off by {error:.2e}, allowed {tolerance:.0e}")
    return error
