import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails, normal

X = normal(4, 3, 2)
LABELS = np.array([[0, 2], [1, 1], [2, 0], [1, 2.0]])
LOSS = 'type: "FocalLoss" focal_loss_param { gamma: %g alpha: 0.4 type: %s } %s'

CASES = [
    Case("FocalLoss", "", (X, LABELS), allocates="a weight for each label"),
    Case("FocalLoss", "", (X, LABELS), tops=2, allocates="a weight for each label"),
]
SAMPLES = {"FocalLoss": (X, LABELS)}


@pytest.mark.parametrize("gamma", [0, 1, 2.5])
@pytest.mark.parametrize("kind, sign", [("ORIGIN", -1), ("LINEAR", -1), ("ONEADDP", 1)])
@pytest.mark.parametrize("ignored", [None, 1])
def test_values_and_gradients(gamma, kind, sign, ignored):
    more = "" if ignored is None else f"loss_param {{ ignore_label: {ignored} }}"
    text = LOSS % (gamma, kind, more)
    total, count = 0.0, 0
    for n, i in np.ndindex(4, 2):
        label = int(LABELS[n, i])
        if label != ignored:
            p = np.exp(X[n, label, i]) / np.exp(X[n, :, i]).sum()
            total -= 0.4 * (1 + sign * p) ** gamma * np.log(p)
            count += 1
    (loss,) = make_layer(text, [X, LABELS]).forward()
    np.testing.assert_allclose(loss, total / count, rtol=1e-6)
    check_layer(text, [X, LABELS])
    check_layer(text, [X[:1], LABELS[:1]])


def test_a_sure_prediction_costs_nothing():
    run = make_layer(LOSS % (2, "ORIGIN", ""), [np.array([[900.0, 0]]), np.zeros(1)])
    assert run.forward()[0] == 0
    assert not run.backward([np.ones(())], [True, False])[0][0].any()


def test_errors():
    fails('type: "FocalLoss" focal_loss_param { gamma: -1 }', [X, LABELS], "-1 and 0.25")
    fails('type: "FocalLoss" focal_loss_param { alpha: 0 }', [X, LABELS], "alpha positive")
