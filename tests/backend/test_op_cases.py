"""The comparison of results: which array differs, and how, is in the failure's message."""

import numpy
import pytest

from tests.backend.op_case_base import compare


def results(**changed):
    whole = {"y": numpy.array([1.0, 4.0]), "mask": numpy.array([3, 5], "int32")}
    return whole | changed


@pytest.mark.parametrize(
    ("got", "message"),
    [
        ({"y": numpy.array([1.0, 4.4])}, "^y is off by 1.00e-01, allowed 1e-03$"),
        ({"y": numpy.zeros((1, 2))}, r"^y has shape \(1, 2\), expected \(2,\)$"),
        ({"y": numpy.array([1.0, numpy.nan])}, "^y has NaN or infinity in other places"),
        ({"mask": numpy.array([3, 6], "int32")}, r"^mask\[1\] is 6, expected 5; 1 of 2 integers"),
        ({"dx": numpy.zeros(2)}, r"^results are \['y', 'mask', 'dx'\], expected \['y', 'mask'\]$"),
    ],
)
def test_a_failure_names_the_array(got, message):
    with pytest.raises(AssertionError, match=message):
        compare(results(**got), results(), 1e-3)


def test_the_largest_error_is_returned():
    got = results(y=numpy.array([1.0, 4.002]))
    assert compare(got, results(), 1e-3) == pytest.approx(5e-4)
    assert compare(results(), results(), 0.0) == 0
