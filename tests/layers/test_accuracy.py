"""Accuracy against counting."""

import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layers.helpers import fails, normal


def text(options=""):
    return f'type: "Accuracy" accuracy_param {{ {options} }}'


def reference(x, label, top_k, ignore=None):
    right, total = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for n, i in np.ndindex(*label.shape):
        true = label[n, i]
        if true == ignore:
            continue
        better = sum(x[n, k, i] >= x[n, true, i] for k in range(x.shape[1]) if k != true)
        total[true] += 1
        right[true] += better < top_k
    return right.sum() / max(total.sum(), 1), right / np.maximum(total, 1)


@pytest.mark.parametrize("batch", [1, 12])
@pytest.mark.parametrize(
    ("options", "top_k", "ignore"),
    [
        ("", 1, None),
        ("top_k: 3", 3, None),
        ("ignore_label: 2", 1, 2),
        ("top_k: 2 ignore_label: 0", 2, 0),
    ],
)
def test_overall_and_per_class(options, top_k, ignore, batch):
    x = np.round(normal(batch, 5, 3), 0)  # many ties
    label = np.random.default_rng(batch).integers(0, 5, (batch, 3))
    accuracy, per_class = make_layer(text(options), [x, label], tops=2).forward()
    expected, expected_per_class = reference(x, label, top_k, ignore)
    np.testing.assert_allclose(accuracy, expected, rtol=1e-10)
    np.testing.assert_allclose(per_class, expected_per_class, rtol=1e-10)
    (alone,) = make_layer(text(options), [x, label]).forward()
    assert alone == accuracy


def test_a_tie_is_a_miss():
    x = [[1.0, 1, 0], [3, 2, 1]]
    assert make_layer(text(), [x, [0, 0]]).forward()[0] == 0.5
    assert make_layer(text("top_k: 2"), [x, [0, 0]]).forward()[0] == 1


def test_axis_and_labels_all_ignored():
    x, label = normal(4, 2, 5), np.array([[0, 3], [1, 1], [4, 2], [0, 0]])
    (accuracy,) = make_layer(text("axis: -1"), [x, label]).forward()
    assert accuracy == reference(x.swapaxes(1, 2), label, 1)[0]
    assert make_layer(text("ignore_label: -1"), [normal(2, 3), [-1, -1]]).forward()[0] == 0


def test_gradient_is_zero():
    run = make_layer(text(), [normal(2, 3), [0, 1]])
    run.forward()
    (dx, _), _ = run.backward([1.0], [True, False])
    assert (dx == 0).all()


def test_errors():
    x = normal(2, 3)
    fails(text(), [x, [0, 3]], "integers from 0 to 2", "got 3")
    fails(text(), [x, [np.nan, 0]], "got nan")
    fails(text("top_k: 4"), [x, [0, 1]], "number of classes (3), got 4")
    fails(text("top_k: 0"), [x, [0, 1]], "top_k must be from 1")
    fails(text(), [x, [0, 1, 2]], "one label per prediction: 2", "got 3")
    fails(text("axis: 2"), [x, [0, 1]], "axis must be in [-2, 1]")
