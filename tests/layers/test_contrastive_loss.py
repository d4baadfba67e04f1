import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal

LABELS = np.array([1.0, 0, 0, 1, 0, 0])


def expected(a, b, labels, margin, legacy):
    total = 0.0
    for x, y, label in zip(a, b, labels, strict=True):
        squared = float(((x - y) ** 2).sum())
        if int(label):
            total += squared
        elif legacy:
            total += max(margin - squared, 0)
        else:
            total += max(margin - squared**0.5, 0) ** 2
    return total / len(a) / 2


@pytest.mark.parametrize("margin, legacy", [(1.5, False), (3, False), (4, True)])
@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("shape", [(3,), (3, 1, 1), ()])
def test_formula(margin, legacy, batch, shape):
    a, b = normal(batch, *shape), normal(batch, *shape)
    labels = LABELS[-batch:]
    text = (
        f'type: "ContrastiveLoss" contrastive_loss_param {{ margin: {margin} '
        f"legacy_version: {str(legacy).lower()} }}"
    )
    (loss,) = make_layer(text, [a, b, labels]).forward()
    assert loss == pytest.approx(expected(a, b, labels, margin, legacy))


def test_both_sides_of_the_margin_are_met():
    a, b = np.array([[0.0], [0.0]]), np.array([[0.5], [3.0]])
    run = make_layer('type: "ContrastiveLoss"', [a, b, [0, 0]])
    assert run.forward()[0] == pytest.approx(0.5**2 / 4)
    (da, db, _), _ = run.backward()
    # d |a - b| / da is -1, and d + 1e-4 stands for d.
    np.testing.assert_allclose(da, [[0.5 / 2 * 0.5 / 0.5001], [0]])
    np.testing.assert_allclose(db, -da)


def test_gradient():
    a, b = normal(6, 3), normal(6, 3)
    text = 'type: "ContrastiveLoss" contrastive_loss_param { margin: 5 legacy_version: true }'
    check_layer(text, [a, b, LABELS])
    # Caffe's 1e-4 in the divisor shows less the larger the distances are.
    text = 'type: "ContrastiveLoss" contrastive_loss_param { margin: 4000 }'
    check_layer(text, [1000 * a, 1000 * b, LABELS])


def test_labels_lose_their_decimals():
    a, b = normal(2, 3), normal(2, 3)
    text = 'type: "ContrastiveLoss"'
    np.testing.assert_array_equal(
        make_layer(text, [a, b, [0.9, -1.5]]).forward(), make_layer(text, [a, b, [0, 1]]).forward()
    )


def test_errors():
    text = 'type: "ContrastiveLoss"'
    fails(text, [normal(4, 3), normal(4, 2), normal(4)], "(4, 3), (4, 2), (4,)")
    fails(text, [normal(4, 3), normal(5, 3), normal(4)], "first dimension")
    fails(text, [normal(4, 3), normal(4, 3), normal(5)], "one label per pair")
    fails(text, [normal(1, 3), normal(1, 3), normal()], "one label per pair")
    fails(text, [normal(4, 3, 2), normal(4, 3, 2), normal(4)], "features (N, C)")
    fails(text, [np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0)], "(0, 3)")


@pytest.mark.parametrize("label", [np.nan, np.inf, -np.inf, 3e9])
def test_a_label_must_be_a_whole_number(label):
    labels = np.array([0, 1, label, 0])
    fails(
        'type: "ContrastiveLoss"',
        [normal(4, 3), normal(4, 3), labels],
        "labels (bottom[2]) must be whole numbers",
        f"{abs(label):g}",
    )
