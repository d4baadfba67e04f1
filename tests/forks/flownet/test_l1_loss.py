import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

A, B = normal(2, 3, 4, 5), normal(2, 3, 4, 5)
LAYER = 'type: "L1Loss" l1_loss_param { %s } loss_weight: 2'

CASES = [
    Case("L1Loss", "l1_loss_param { l2_per_location: true epsilon: 0.1 }",
         (spread(3, 2, 4, 5), spread(3, 2, 4, 5) + 0.0321)),
    Case("L1Loss", "l1_loss_param { plateau: 0.01 normalize_by_num_entries: true }",
         (spread(3, 2, 4, 5), spread(3, 2, 4, 5) + 0.0321)),
]  # fmt: skip
SAMPLES = {"FlowL1Loss": (A, B)}


def by_formula(a, b, l2=False, prescale=False, normalize=False, epsilon=1e-2, plateau=0.0):
    d = a - b
    entries = (~np.isnan(d)).sum() / d.shape[1] if normalize else len(d)
    d = np.where(np.isnan(d), 0, d)
    if not l2:
        return np.where(abs(d) < plateau, 0, abs(d)).sum() / entries
    squares = (d**2).mean(axis=1) if prescale else (d**2).sum(axis=1)
    return np.sqrt(np.where(squares < plateau**2, 0, squares) + epsilon).sum() / entries


VARIANTS = [
    ("l2_per_location: false", {}),
    ("plateau: 0.4", {"plateau": 0.4}),
    ("normalize_by_num_entries: true", {"normalize": True}),
    ("l2_per_location: true", {"l2": True}),
    ("l2_per_location: true epsilon: 0.5", {"l2": True, "epsilon": 0.5}),
    ("l2_per_location: true l2_prescale_by_channels: true", {"l2": True, "prescale": True}),
    ("l2_per_location: true plateau: 1.6", {"l2": True, "plateau": 1.6}),
    ("l2_per_location: true normalize_by_num_entries: true", {"l2": True, "normalize": True}),
]


@pytest.mark.parametrize("text, options", VARIANTS)
def test_values_and_gradients(text, options):
    (loss,) = make_layer(LAYER % text, [A, B]).forward()
    np.testing.assert_allclose(loss, by_formula(A, B, **options), rtol=1e-6)
    check_layer(LAYER % text, [A, B])
    check_layer(LAYER % text, [A[:1], B[:1]])
    check_layer(LAYER % text, [A])


@pytest.mark.parametrize("text, options", VARIANTS)
def test_nan_counts_as_no_difference(text, options):
    b = B.copy()
    b[:, :, 1] = np.nan
    run = make_layer(LAYER % text, [A, b])
    np.testing.assert_allclose(run.forward()[0], by_formula(A, b, **options), rtol=1e-6)
    (da, db), _ = run.backward()
    assert (da[:, :, 1] == 0).all() and np.isfinite(da).all()
    np.testing.assert_array_equal(da, -db)


def test_equal_bottoms_have_no_gradient():
    for text in ("l2_per_location: false", "l2_per_location: true epsilon: 0"):
        run = make_layer(LAYER % text, [A, A])
        run.forward()
        assert (run.backward()[0][0] == 0).all()


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "l2_per_location: true", [A, B]), [1.0])


def test_errors():
    fails(LAYER % "epsilon: 1", [A, B[:1]], "one shape")
    fails(LAYER % "epsilon: 1", [np.ones(3)], "(N, C, ...)")
