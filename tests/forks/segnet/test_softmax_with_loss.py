import logging

import numpy as np
import pytest

from caffe_lite.layers import softmax_with_loss
from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, labels, spread
from tests.layers.helpers import fails, normal

X = normal(2, 4, 3, 5)
LABELS = np.random.default_rng(1).integers(0, 4, (2, 1, 3, 5)).astype(float)
LABELS.ravel()[[3, 17]] = 9
GIVEN = "class_weighting: 0.5 class_weighting: 3 class_weighting: 1.5 class_weighting: 0.25"
WEIGHTS = (0.5, 3, 1.5, 0.25)
LAYER = 'type: "SoftmaxWithLoss" loss_param { weight_by_label_freqs: true ignore_label: 9 %s }'

CASES = [
    Case(
        "SoftmaxWithLoss",
        f"loss_param {{ weight_by_label_freqs: true {GIVEN} }}",
        (spread(3, 4, 2, 5), labels(3, 2, 5, classes=4)),
    ),
    Case(
        "SoftmaxWithLoss",
        "loss_param { weight_by_label_freqs: true normalization: NONE }",
        (spread(3, 4, 5), labels(3, 5, classes=4)),
    ),
]
SAMPLES = {"SoftmaxWithLoss": (normal(2, 3, 4), labels(2, 4))}


def reference(x, label, weights, divisor):
    total = 0.0
    for n, h, w in np.ndindex(2, 3, 5):
        line, true = x[n, :, h, w], int(label[n, 0, h, w])
        if true != 9:
            total -= weights[true] * np.log(np.exp(line[true]) / np.exp(line).sum())
    return total / divisor


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize(
    "normalization, divisor",
    [("", 28), ("normalize: true", 28), ("normalize: false", 2), ("normalization: FULL", 30)],
)
def test_weights(given, normalization, divisor):
    weights = WEIGHTS if given else [1 / (LABELS == c).sum() for c in range(4)]
    prototxt = LAYER % f"{normalization} {GIVEN if given else ''}"
    (loss,) = make_layer(prototxt, [X, LABELS]).forward()
    np.testing.assert_allclose(loss, reference(X, LABELS, weights, divisor), rtol=1e-6)
    check_layer(prototxt, [X, LABELS], propagate_down=[True, False])
    check_layer(prototxt, [X[:1], LABELS[:1]], propagate_down=[True, False])


def test_a_class_without_labels():
    label = np.where(LABELS == 2, 3, LABELS)
    weights = [1 / max((label == c).sum(), 1) for c in range(4)]
    (loss,) = make_layer(LAYER % "", [X, label]).forward()
    np.testing.assert_allclose(loss, reference(X, label, weights, 28), rtol=1e-6)


def test_weights_that_are_not_used(caplog):
    prototxt = f'type: "SoftmaxWithLoss" loss_param {{ ignore_label: 9 {GIVEN} }}'
    with caplog.at_level(logging.WARNING):
        (loss,) = make_layer(prototxt, [X, LABELS]).forward()
    np.testing.assert_allclose(loss, reference(X, LABELS, [1] * 4, 28), rtol=1e-6)
    assert "class_weighting has no effect" in caplog.text


def test_without_these_fields_it_is_caffes():
    run = make_layer('type: "SoftmaxWithLoss" loss_param { ignore_label: 9 }', [X, LABELS])
    assert type(run.layer) is softmax_with_loss.SoftmaxWithLoss


def test_errors():
    fails(LAYER % "class_weighting: 1", [X, LABELS], "one class_weighting for each of 4", "got 1")
    fails(LAYER % GIVEN, [X, LABELS + 1], "from 0 to 3", "ignore_label (9)")
