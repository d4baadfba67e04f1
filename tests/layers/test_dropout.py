"""Dropout: distribution, phases and resuming."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal, untouched


def text(ratio):
    return f'type: "Dropout" dropout_param {{ dropout_ratio: {ratio} }}'


def test_train_keeps_a_share_and_scales_it():
    x = np.ones((40, 50, 5))
    (y,) = make_layer(text(0.3), [x]).forward()
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-6)
    assert abs((y == 0).mean() - 0.3) < 0.02
    for rows in (y.reshape(40, -1), y.transpose(1, 0, 2).reshape(50, -1)):
        assert (abs((rows == 0).mean(axis=1) - 0.3) < 0.15).all()  # not dropped row by row


def test_backward_uses_the_mask_of_forward():
    run = make_layer(text(0.4), [normal(6, 7)])
    (first,) = run.forward()
    (dx,), _ = run.backward([np.ones((6, 7))])
    np.testing.assert_allclose(dx * run.bottom[0].data, first, rtol=1e-12)
    assert (run.forward()[0] != first).any()
    untouched(run, [np.ones((6, 7))])


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(("ratio", "phase"), [(0.4, "TRAIN"), (0.4, "TEST"), (0, "TRAIN")])
def test_gradient(ratio, phase, in_place):
    x = normal(3, 1, 4)
    check_layer(text(ratio), [x], phase=phase, in_place=in_place)
    if phase == "TEST" or ratio == 0:
        run = make_layer(text(ratio), [x], phase=phase, in_place=in_place)
        np.testing.assert_array_equal(run.forward()[0], x)


def test_seed_and_state_decide_the_masks():
    x = np.ones((4, 25))
    run, same, other = (make_layer(text(0.5), [x], seed=seed) for seed in (1, 1, 2))
    first = run.forward()[0]
    np.testing.assert_array_equal(first, same.forward()[0])
    assert (first != other.forward()[0]).any()
    state = run.layer.get_state()
    expected = run.forward()[0]
    other.layer.set_state(state)
    np.testing.assert_array_equal(other.forward()[0], expected)


def test_errors():
    for ratio in (1, -0.1, 1.5):
        fails(text(ratio), [normal(2, 3)], "at least 0 and below 1", f"got {ratio}")
