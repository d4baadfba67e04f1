"""EuclideanLoss and its two gradients."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal

TEXT = 'type: "EuclideanLoss"'


@pytest.mark.parametrize("shapes", [((3, 2, 4), (3, 2, 4)), ((1, 5), (1, 5, 1)), ((4,), (4,))])
def test_forward_and_gradients(shapes):
    x, target = (normal(*shape) for shape in shapes)
    (loss,) = make_layer(TEXT, [x, target]).forward()
    pairs = zip(x.ravel(), target.ravel(), strict=True)
    np.testing.assert_allclose(loss, sum((a - b) ** 2 for a, b in pairs) / 2 / len(x), rtol=1e-10)
    check_layer(TEXT, [x, target])


def test_loss_weight_and_propagate_down():
    x, target = normal(3, 2), normal(3, 2)
    run = make_layer(f"{TEXT} loss_weight: 3", [x, target])
    run.forward()
    run.bottom[0].diff[...] = 7
    (dx, dtarget), _ = run.backward(propagate_down=[False, True])
    assert (dx == 7).all()
    np.testing.assert_allclose(dtarget, target - x, rtol=1e-10)


def test_errors():
    fails(TEXT, [normal(2, 3), normal(2, 4)], "elements per item", "(2, 3) and (2, 4)")
    fails(TEXT, [normal(2, 3), normal(3, 2)], "same first dimension")
    fails(TEXT, [normal(2, 3), normal()], "same first dimension")
