import itertools

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails, normal, untouched

LAYER = 'type: "%s" ctc_loss_param { %s } loss_weight: 1.5'
X = normal(5, 3, 4)
LABELS = np.array([[1, 1, 0], [2, 0, 0], [3, 1, 2]], float)

CASES = [
    Case(
        "CtcLoss",
        "ctc_loss_param { alphabet_size: 4 time_step: 5 }",
        (X, LABELS),
        batched=(),
        gradient=False,
        own_gradient="that of the sum over sequences, where the loss is their mean",
        allocates="walks over the labels",
    )
]
SAMPLES = {"CtcLoss": (X, LABELS)}


def spelled(way, blank):
    return [k for k, _ in itertools.groupby(way) if k != blank]


def by_all_ways(x, labels, blank):
    """The mean of -log P, summing the probability of every way to spell the labels."""
    total = 0
    for n in range(x.shape[1]):
        p = np.exp(x[:, n]) / np.exp(x[:, n]).sum(axis=1, keepdims=True)
        wanted = [int(label) for label in labels[n] if label != blank]
        chance = sum(
            np.prod([p[t, k] for t, k in enumerate(way)])
            for way in itertools.product(range(x.shape[2]), repeat=len(x))
            if spelled(way, blank) == wanted
        )
        total -= np.log(chance) if chance else 0
    return total / x.shape[1]


def check_gradient(text, x, labels):
    """Each sequence by itself, and all of them: the gradient is that of the sum."""
    (found, _), _ = run_backward(text, x, labels)
    for n in range(len(labels)):
        own = [x[:, n : n + 1], labels[n : n + 1]]
        check_layer(text, own)
        (alone, _), _ = run_backward(text, *own)
        np.testing.assert_allclose(found[:, n : n + 1], alone, rtol=1e-9, atol=1e-12)


def run_backward(text, x, labels):
    run = make_layer(text, [x, labels])
    run.forward()
    return run.backward()


@pytest.mark.parametrize("kind", ["CtcLoss", "CTCLoss", "WarpCTC"])
@pytest.mark.parametrize("blank", [0, 2])
def test_the_loss_is_that_of_all_ways(kind, blank):
    labels = np.where(LABELS == 0, blank, np.where(LABELS == blank, 0, LABELS))
    text = LAYER % (kind, f"blank_label: {blank}")
    (loss,) = make_layer(text, [X, labels]).forward()
    np.testing.assert_allclose(loss, by_all_ways(X, labels, blank), rtol=1e-9)
    check_gradient(text, X, labels)


def test_only_the_first_steps_count():
    text = LAYER % ("CtcLoss", "time_step: 4")
    run = make_layer(text, [X, LABELS])
    np.testing.assert_allclose(run.forward()[0], by_all_ways(X[:4], LABELS, 0), rtol=1e-9)
    (dx, _), _ = run.backward()
    assert (dx[4] == 0).all() and (dx[:4] != 0).any()
    check_gradient(text, X, LABELS)


def test_no_labels_mean_blanks():
    text = LAYER % ("CtcLoss", "")
    labels = np.zeros((3, 2))
    (loss,) = make_layer(text, [X, labels]).forward()
    np.testing.assert_allclose(loss, by_all_ways(X, labels, 0), rtol=1e-9)
    check_gradient(text, X, labels)


def test_a_sequence_too_short_for_its_labels_counts_nothing():
    x, labels = X[:2], np.array([[1, 1], [1, 2], [3, 0]])
    run = make_layer(LAYER % ("CtcLoss", ""), [x, labels])
    (loss,) = run.forward()
    np.testing.assert_allclose(loss, by_all_ways(x, labels, 0), rtol=1e-9)
    (dx, _), _ = run.backward()
    assert (dx[:, 0] == 0).all() and np.isfinite(dx).all() and (dx[:, 1:] != 0).any()


def test_large_scores():
    run = make_layer(LAYER % ("CtcLoss", ""), [X * 1e3, LABELS])
    assert np.isfinite(run.forward()[0]) and np.isfinite(run.backward()[0][0]).all()


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % ("CtcLoss", ""), [X, LABELS]), [1.0])


def test_errors():
    text = LAYER % ("CtcLoss", "%s")
    fails(text % "alphabet_size: 5", [X, LABELS], "must be the 4 classes", "got 5 and 0")
    fails(text % "time_step: 6", [X, LABELS], "at most their 5 steps")
    fails(text % "blank_label: 4", [X, LABELS], "blank_label must be from 0 to 3")
    fails(text % "", [X, LABELS[:2]], "labels (N, L)")
    fails(text % "", [X, LABELS + 2], "a label must be from 0 to 3, got 4")
    fails(text % "", [X, np.full((3, 1), np.nan)], "got nan")
