"""Net and the solvers, step by step as Caffe's own pycaffe went."""

import json
from pathlib import Path

import numpy as np
import pytest

import caffe_lite.pycaffe as caffe
from tests.pycaffe.walk import walk

FOLDER = Path(__file__).with_name("recorded")
ARRAYS = np.load(FOLDER / "walk.npz")
VALUES = json.loads((FOLDER / "walk.json").read_text())


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    return walk(caffe, tmp_path_factory.mktemp("walk"))


@pytest.mark.parametrize("name", ARRAYS.files)
def test_arrays_are_those_of_caffe(walked, name):
    found, expected = walked[0][name], ARRAYS[name]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", VALUES)
def test_values_are_those_of_caffe(walked, name):
    assert walked[1][name] == VALUES[name]


def test_everything_was_recorded(walked):
    assert set(walked[0]) == set(ARRAYS.files) and set(walked[1]) == set(VALUES)
