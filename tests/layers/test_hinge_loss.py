import numpy as np
import pytest

from caffe_lite.errors import LayerError
from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal


def text(norm="L1"):
    return f'type: "HingeLoss" hinge_loss_param {{ norm: {norm} }}'


@pytest.mark.parametrize("norm, power", [("L1", 1), ("L2", 2)])
@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (4, 2, 3)])
def test_formula_and_gradient(norm, power, shape):
    x = normal(*shape)
    labels = np.array([2, 0, 1, 1.0])[: shape[0]]
    total = 0.0
    for scores, label in zip(x.reshape(shape[0], -1), labels, strict=True):
        for k, score in enumerate(scores):
            total += max(0, 1 - (score if k == label else -score)) ** power
    (loss,) = make_layer(text(norm), [x, labels]).forward()
    assert loss == pytest.approx(total / shape[0])
    check_layer(text(norm), [x, labels])
    check_layer(text(norm), [x, labels.reshape(-1, 1, 1, 1)])


def test_loss_weight_scales_the_gradient():
    x, labels = normal(3, 4), [0, 3, 1]
    gradients = []
    for weight in (1, 3):
        run = make_layer(text("L2") + f" loss_weight: {weight}", [x, labels])
        run.forward()
        gradients.append(run.backward()[0][0])
    np.testing.assert_allclose(gradients[1], 3 * gradients[0])


def test_forward_leaves_the_bottoms_diff_alone():
    run = make_layer(text(), [normal(2, 3), [0, 1]])
    run.bottom[0].diff[...] = 7
    run.forward()
    assert (run.bottom[0].diff == 7).all()


def test_errors():
    x = normal(2, 3)
    for label in (3, -1, np.nan):
        fails(text(), [x, [0, label]], "0 to 2", f"{label:g}")
    fails(text(), [x, [0]], "first dimension")
    fails(text(), [x, normal(2, 3)], "6")
    run = make_layer(text(), [x, [0, 1]])
    run.forward()
    with pytest.raises(LayerError, match="labels"):
        run.backward(propagate_down=[True, True])
