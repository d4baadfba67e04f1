"""Fillers: moments and shapes of the starting values, each against its definition."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.blob import Blob
from caffe_lite.fillers import fill
from caffe_lite.proto import schema


def filled(shape, seed=3, **fields):
    blob = Blob(get_ops(dtype="float64"), *shape)
    fill(blob, schema.FillerParameter(**fields), lambda: np.random.default_rng(seed))
    return blob.data


def test_constant():
    assert (filled((2, 3), type="constant", value=0.5) == 0.5).all()
    assert not filled((2, 3)).any()


def test_uniform_has_its_bounds_and_moments():
    values = filled((100, 200), type="uniform", min=-1, max=3)
    assert values.min() >= -1 and values.max() < 3
    assert abs(values.mean() - 1) < 0.03
    assert abs(values.var() - 16 / 12) < 0.03


def test_gaussian_has_its_moments():
    values = filled((100, 200), type="gaussian", mean=2, std=0.5)
    assert abs(values.mean() - 2) < 0.02
    assert abs(values.std() - 0.5) < 0.01


def test_sparse_gaussian_keeps_that_many_inputs_an_output_on_average():
    """The chance is sparse / outputs, the outputs being the first axis."""
    values = filled((50, 400), type="gaussian", std=1, sparse=5)
    assert abs((values != 0).mean() - 5 / 50) < 0.01
    assert abs(values[values != 0].std() - 1) < 0.05


def test_positive_unitball_rows_sum_to_one():
    values = filled((4, 3, 5), type="positive_unitball")
    assert values.min() >= 0
    np.testing.assert_allclose(values.reshape(4, -1).sum(axis=1), 1, rtol=1e-12)
    assert values.std() > 0


FANS = {"FAN_IN": 3 * 5 * 7, "FAN_OUT": 40 * 5 * 7, "AVERAGE": (3 + 40) * 5 * 7 / 2}


@pytest.mark.parametrize("norm", FANS)
def test_xavier_variance_is_one_over_fan(norm):
    values = filled(
        (40, 3, 5, 7), type="xavier", variance_norm=getattr(schema.FillerParameter, norm)
    )
    limit = np.sqrt(3 / FANS[norm])
    assert abs(values).max() <= limit
    assert abs(values).max() > 0.99 * limit
    assert abs(values.var() * FANS[norm] - 1) < 0.05


@pytest.mark.parametrize("norm", FANS)
def test_msra_variance_is_two_over_fan(norm):
    values = filled((40, 3, 5, 7), type="msra", variance_norm=getattr(schema.FillerParameter, norm))
    assert abs(values.var() * FANS[norm] / 2 - 1) < 0.05
    assert abs(values).max() > 3 * np.sqrt(2 / FANS[norm])  # normal, not uniform


def test_fan_out_of_a_vector_is_its_count():
    values = filled((4000,), type="xavier", variance_norm=schema.FillerParameter.FAN_OUT)
    assert abs(values).max() <= np.sqrt(3 / 4000)
    assert abs(filled((4000,), type="xavier")).max() > 1  # fan in: one


@pytest.mark.parametrize(
    ("kernel", "line"),
    [(3, [0.5, 1, 0.5]), (4, [0.25, 0.75, 0.75, 0.25]), (2, [0.5, 0.5]), (1, [1])],
)
def test_bilinear_weights_interpolate(kernel, line):
    values = filled((2, 3, kernel, kernel), type="bilinear")
    for n in range(2):
        for c in range(3):
            np.testing.assert_allclose(values[n, c], np.outer(line, line))


def test_one_seed_gives_the_same_values():
    assert (filled((5, 4), type="xavier") == filled((5, 4), type="xavier")).all()
    assert (filled((5, 4), type="xavier") != filled((5, 4), seed=4, type="xavier")).all()


@pytest.mark.parametrize(
    ("shape", "fields", "message"),
    [
        ((2,), dict(type="xavire"), 'unknown filler type "xavire"; did you mean "xavier"?'),
        ((2,), dict(type="uniform", min=2, max=1), "min at most max, got 2 and 1"),
        ((2,), dict(type="uniform", max=float("inf")), "got 0 and inf"),
        ((2,), dict(type="uniform", min=float("nan")), "got nan and 1"),
        ((2,), dict(type="xavier", sparse=3), "only the gaussian filler has sparse"),
        ((2,), dict(type="gaussian", sparse=-2), "sparse must be -1 or at least 0"),
        ((2,), dict(type="gaussian", std=-1), "std must be a number from 0 up"),
        ((2,), dict(type="gaussian", std=float("nan")), "from 0 up, got nan"),
        ((2,), dict(type="gaussian", std=float("inf")), "from 0 up, got inf"),
        ((), dict(type="gaussian", sparse=1), "at least one axis"),
        ((2, 3), dict(type="bilinear"), "4 axes, square kernels"),
        ((1, 1, 2, 3), dict(type="bilinear"), "4 axes, square kernels"),
        ((0, 3), dict(type="constant"), "no elements"),
    ],
)
def test_bad_parameters_are_refused_at_once(shape, fields, message):
    blob = Blob(get_ops(), *shape)
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        fill(blob, schema.FillerParameter(**fields), np.random.default_rng)
    assert not blob.has_data, "the blob was filled"


@pytest.mark.parametrize("std", [0.0, -0.0])
def test_gaussian_without_deviation_is_its_mean(std):
    blob = Blob(get_ops(), 3, 2)
    fill(blob, schema.FillerParameter(type="gaussian", mean=1.5, std=std), np.random.default_rng)
    assert (blob.data == 1.5).all()


def test_gaussian_unitball_rows_have_length_one():
    values = filled((4, 3, 5), type="gaussian_unitball")
    np.testing.assert_allclose((values**2).sum(axis=(1, 2)), 1, rtol=1e-5)
    assert (values < 0).any()
