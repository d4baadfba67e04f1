"""The window over the last losses: its mean, and what a resumed run takes over."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.solvers.loss_window import LossWindow


def window(size, losses=()):
    made = LossWindow(get_ops(dtype="float64"), size)
    for loss in losses:
        made.add(np.float64(loss))
    return made


@pytest.mark.parametrize(
    ("losses", "mean"), [([], 0), ([4], 4), ([4, 1], 2.5), ([9, 4, 1, 7], 4), ([9, 4, 1, 7, 4], 4)]
)
def test_mean_of_the_last_three(losses, mean):
    assert window(3, losses).mean() == mean


def test_a_restored_window_goes_on_as_the_saved_one():
    saved = window(3, [9, 4, 1, 7])
    resumed = window(3, [100])
    resumed.state = saved.state
    for loss in (5, 2):
        saved.add(np.float64(loss))
        resumed.add(np.float64(loss))
        assert resumed.mean() == saved.mean()


@pytest.mark.parametrize("size", [2, 5])
def test_a_window_of_another_size_starts_anew(size):
    resumed = window(size, [100])
    resumed.state = window(3, [9, 4, 1, 7]).state
    assert resumed.mean() == 0
    resumed.add(np.float64(6))
    assert resumed.mean() == 6


def test_a_window_that_is_not_full_fits_a_larger_one():
    resumed = window(5)
    resumed.state = window(3, [9, 4]).state
    resumed.add(np.float64(2))
    assert resumed.mean() == 5
