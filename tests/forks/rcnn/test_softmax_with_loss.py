"""SoftmaxWithLossOHEM, and losses with a fixed normalizer."""

import numpy as np
import pytest

from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, labels, normal, spread
from tests.layers.helpers import fails

X = normal(3, 4, 2)
LABELS = np.array([[0, 3], [-1, 1], [2, 2.0]])
FIXED = "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: %s ignore_label: -1 }"

CASES = [
    Case(
        "SoftmaxWithLossOHEM",
        "loss_param { ignore_label: -1 }",
        (spread(5, 3), labels(5)),
        tops=3,
        flags=(True, False),
    ),
    Case("SoftmaxWithLoss", FIXED % 7, (spread(5, 3), labels(5)), flags=(True, False)),
    Case(
        "SigmoidCrossEntropyLoss",
        FIXED % 7,
        (spread(5, 3), np.random.default_rng(1).uniform(0, 1, (5, 3))),
        flags=(True, False),
    ),
]
SAMPLES = {
    "PreFixedSoftmaxWithLoss": (normal(6, 3), np.array([0, 2, 1, 1, 0, 2.0])),
    "SoftmaxWithLossOHEM": (normal(6, 3), np.array([0, 2, 1, 1, 0, 2.0])),
    "PreFixedSigmoidCrossEntropyLoss": (normal(6, 3), np.ones((6, 3))),
}


def losses():
    made = np.zeros((3, 2))
    for n, i in np.ndindex(3, 2):
        if LABELS[n, i] >= 0:
            line = np.exp(X[n, :, i])
            made[n, i] = -np.log(line[int(LABELS[n, i])] / line.sum())
    return made


def test_three_tops():
    ohem = 'type: "SoftmaxWithLossOHEM" loss_param { ignore_label: -1 }'
    total, prob, each = make_layer(ohem, [X, LABELS], tops=3).forward()
    np.testing.assert_allclose(each, losses(), rtol=1e-9)
    np.testing.assert_allclose(total, losses().sum() / 5, rtol=1e-9)
    np.testing.assert_allclose(prob.sum(axis=1), 1, rtol=1e-9)
    check_layer(ohem, [X, LABELS], tops=3, propagate_down=(True, False))


def test_a_softmax_loss_with_three_tops_is_the_same():
    net = Net(
        text.parse(
            """layer { name: "in" type: "DummyData" top: "x" top: "label"
                dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }
            layer { name: "loss" type: "SoftmaxWithLoss" bottom: "x" bottom: "label"
                    top: "l" top: "p" top: "each" loss_weight: 0 loss_weight: 0 loss_weight: 0 }""",
            schema.NetParameter,
        )
    )
    net.forward()
    np.testing.assert_allclose(net.blobs["each"].data, np.log([3, 3]), rtol=1e-6)


@pytest.mark.parametrize("given, divisor", [(7, 7), (0.5, 1)])
def test_pre_fixed(given, divisor):
    softmax = f'type: "SoftmaxWithLoss" {FIXED % given}'
    (total,) = make_layer(softmax, [X, LABELS]).forward()
    np.testing.assert_allclose(total, losses().sum() / divisor, rtol=1e-9)
    check_layer(softmax, [X, LABELS], propagate_down=(True, False))
    sigmoid = f'type: "SigmoidCrossEntropyLoss" {FIXED % given}'
    target = (X > 0.3).astype(float)
    (total,) = make_layer(sigmoid, [X, target]).forward()
    p = 1 / (1 + np.exp(-X))
    cross = -(target * np.log(p) + (1 - target) * np.log(1 - p)).sum()
    np.testing.assert_allclose(total, cross / divisor, rtol=1e-9)
    check_layer(sigmoid, [X, target], propagate_down=(True, False))


def test_other_modes_stay():
    text = (
        'type: "SoftmaxWithLoss" loss_param { pre_fixed_normalizer: 9 normalization: BATCH_SIZE }'
    )
    expected = make_layer(
        'type: "SoftmaxWithLoss" loss_param { normalization: BATCH_SIZE }', [X, abs(LABELS)]
    )
    assert make_layer(text, [X, abs(LABELS)]).forward()[0] == expected.forward()[0]


def test_labels_out_of_range():
    fails(
        'type: "SoftmaxWithLossOHEM"', [X, LABELS], "labels must be integers from 0 to 3", "got -1"
    )
