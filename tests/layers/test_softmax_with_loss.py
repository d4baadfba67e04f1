"""SoftmaxWithLoss against the sum over labels, under every normalization."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal

LABELS = np.array([[2, 0, 4], [1, 4, 4]])  # of scores (2, 5, 3)


def text(loss="", axis=1, weight=""):
    return (
        f'type: "SoftmaxWithLoss" {weight} loss_param {{ {loss} }} softmax_param {{ axis: {axis} }}'
    )


def reference(x, label, divisor, ignore=None):
    total = 0.0
    for n, i in np.ndindex(*label.shape):
        if label[n, i] != ignore:
            line = x[n, :, i]
            total -= np.log(np.exp(line[label[n, i]]) / np.exp(line).sum())
    return total / divisor


@pytest.mark.parametrize(
    ("options", "divisor", "ignore"),
    [
        ("", 6, None),
        ("normalization: FULL", 6, None),
        ("normalization: BATCH_SIZE", 2, None),
        ("normalization: NONE", 1, None),
        ("normalize: true", 6, None),
        ("normalize: false", 2, None),
        ("normalize: false normalization: FULL", 6, None),
        ("ignore_label: 4", 3, 4),
        ("ignore_label: 4 normalization: FULL", 6, 4),
        ("ignore_label: 4 normalization: BATCH_SIZE", 2, 4),
        ("ignore_label: 4 normalization: NONE", 1, 4),
        ("ignore_label: 4 normalize: true", 3, 4),
    ],
)
def test_forward_and_gradients(options, divisor, ignore):
    x = normal(2, 5, 3)
    (loss,) = make_layer(text(options), [x, LABELS]).forward()
    assert loss.shape == ()
    np.testing.assert_allclose(loss, reference(x, LABELS, divisor, ignore), rtol=1e-10)
    check_layer(text(options), [x, LABELS])


def test_another_axis_batch_1_and_a_loss_weight():
    x, label = normal(1, 3, 5), np.array([[3, 1, 0]])
    options = text(axis=-1, weight="loss_weight: 2.5")
    run = make_layer(options, [x, label])
    np.testing.assert_allclose(run.forward()[0], reference(x.swapaxes(1, 2), label, 3), rtol=1e-10)
    (dx, _), _ = run.backward()
    probability = np.exp(x) / np.exp(x).sum(axis=2, keepdims=True)
    np.testing.assert_allclose(dx, 2.5 / 3 * (probability - np.eye(5)[label]), rtol=1e-9)


def test_second_top_holds_the_probabilities():
    x = normal(2, 5, 3)
    run = make_layer(text(), [x, LABELS], tops=2)
    _, p = run.forward()
    np.testing.assert_allclose(p, np.exp(x) / np.exp(x).sum(axis=1, keepdims=True), rtol=1e-10)


def test_all_ignored_gives_zero_and_a_certain_miss_a_finite_loss():
    run = make_layer(text("ignore_label: 1"), [normal(2, 3), [1, 1]])
    assert run.forward()[0] == 0
    (dx, _), _ = run.backward()
    assert (dx == 0).all()
    run = make_layer(text(), [[[0.0, 1000.0]], [0]])
    np.testing.assert_allclose(run.forward()[0], -np.log(np.finfo(np.float32).tiny), rtol=1e-6)


def test_labels_are_cut_to_integers_as_in_caffe():
    x = normal(2, 4)
    (loss,) = make_layer(text(), [x, [1.9, 0.2]]).forward()
    assert loss == make_layer(text(), [x, [1, 0]]).forward()[0]


def test_errors():
    x = normal(2, 3)
    fails(text(), [x, [0, 3]], "integers from 0 to 2", "3 classes", "got 3")
    fails(text(), [x, [0, -1]], "got -1")
    fails(text(), [x, [np.nan, 1]], "got nan")
    fails(text("ignore_label: 255"), [x, [255, 7]], "ignore_label (255)", "got 7")
    fails(text(), [x, [0, 1, 2]], "same first dimension", "(2, 3) and (3,)")
    fails(text(), [normal(2, 3, 4), np.zeros((2, 3))], "one label per prediction: 8", "got 6")
    fails(text(axis=2), [x, [0, 1]], "axis must be in [-2, 1]")
    fails(text(), [np.zeros((0, 3)), np.zeros(0)], "at least one element")
    run = make_layer(text(), [x, [0, 1]])
    run.forward()
    with pytest.raises(Exception, match=r"labels \(bottom\[1\]\)"):
        run.backward(propagate_down=[True, True])
