import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, normal
from tests.layers.helpers import fails, untouched

SHAPE = (3, 4, 2, 5)
X, T = np.random.default_rng(2).normal(size=(2, *SHAPE)) * [[[[[2]]]], [[[[1]]]]]
INSIDE, OUTSIDE = np.random.default_rng(3).uniform(0.2, 2, (2, *SHAPE))
INSIDE[0, 1], OUTSIDE[1, 2] = 0, 0
LAYER = 'type: "SmoothL1Loss" %s'
FIXED = "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 7 }"


def apart(shape, kink, weights=1):
    """Two arrays whose weighted differences are all far from +-kink, where f is not smooth."""
    rng = np.random.default_rng(7)
    differences = rng.uniform(-2, 2, shape)
    near = abs(abs(differences) - kink) < 0.1
    differences[near] *= 0.5
    other = rng.normal(size=shape)
    return other + differences / weights, other


WEIGHTS = np.random.default_rng(8).uniform(0.5, 1.5, (2, 3, 4, 2, 3))
CASES = [
    Case("SmoothL1Loss", "", apart((3, 4), 1), flags=(True, True)),
    Case(
        "SmoothL1Loss",
        "smooth_l1_loss_param { sigma: 1.7 }",
        (*apart((3, 4, 2, 3), 1.7**-2, WEIGHTS[0]), *WEIGHTS),
        flags=(True, True, False, False),
    ),
    Case(
        "SmoothL1LossOHEM",
        FIXED,
        (*apart((3, 4, 2, 3), 1, WEIGHTS[0]), WEIGHTS[0]),
        tops=2,
        flags=(True, True, False),
    ),
]
SAMPLES = {
    "SmoothL1LossOHEM": (normal(2, 8), normal(2, 8), abs(normal(2, 8))),
    "SmoothL1Loss": (normal(2, 8), normal(2, 8), abs(normal(2, 8)), abs(normal(2, 8))),
}


def terms(sigma, inside, outside):
    made = np.zeros(SHAPE)
    for place in np.ndindex(SHAPE):
        d = inside[place] * (X[place] - T[place])
        squared = abs(d) < 1 / sigma**2
        made[place] = sigma**2 * d * d / 2 if squared else abs(d) - 0.5 / sigma**2
    return made * outside


@pytest.mark.parametrize("sigma", [1, 0.7, 3])
@pytest.mark.parametrize("bottoms", [2, 4])
def test_fast_rcnn_divides_by_the_batch(sigma, bottoms):
    inputs = [X, T, INSIDE, OUTSIDE][:bottoms]
    text = LAYER % f"smooth_l1_loss_param {{ sigma: {sigma} }}"
    ones = np.ones(SHAPE)
    expected = terms(sigma, *([INSIDE, OUTSIDE] if bottoms == 4 else [ones, ones])).sum() / 3
    np.testing.assert_allclose(make_layer(text, inputs).forward()[0], expected, rtol=1e-6)
    flags = (True, True, False, False)[:bottoms]
    check_layer(text, inputs, propagate_down=flags)
    check_layer(text, [x[:1] for x in inputs], propagate_down=flags)


@pytest.mark.parametrize(
    "loss, divisor",
    [
        ("", 30),
        ("loss_param { normalization: FULL }", 30),
        ("loss_param { normalization: VALID }", 30),
        ("loss_param { normalization: BATCH_SIZE }", 3),
        ("loss_param { normalize: false }", 3),
        ("loss_param { normalization: NONE }", 1),
        (FIXED, 7),
        ("loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 0.1 }", 1),
    ],
)
def test_rfcn_divides_as_loss_param_says(loss, divisor):
    inputs = [X, T, INSIDE]
    expected = terms(1, INSIDE, np.ones(SHAPE))
    run = make_layer(LAYER % loss, inputs, tops=2)
    total, places = run.forward()
    np.testing.assert_allclose(total, expected.sum() / divisor, rtol=1e-12)
    np.testing.assert_allclose(places, expected.sum(axis=1, keepdims=True), rtol=1e-12)
    check_layer(LAYER % loss, inputs, propagate_down=(True, True, False))


def test_the_ohem_name_and_a_second_top_count_places():
    for text, tops in ((LAYER % "", 2), ('type: "SmoothL1LossOHEM"', 1)):
        total = make_layer(text, [X, T], tops=tops).forward()[0]
        np.testing.assert_allclose(total, terms(1, np.ones(SHAPE), 1).sum() / 30, rtol=1e-12)


def test_targets_of_another_shape_with_as_many_numbers():
    expected = make_layer(LAYER % "", [X, T]).forward()[0]
    total = make_layer(LAYER % "", [X, T.reshape(3, 40)]).forward()[0]
    assert total == expected


def test_nan_passes_through():
    x = X.copy()
    x[0, 0, 0, 0] = np.nan
    run = make_layer(LAYER % "", [x, T])
    assert np.isnan(run.forward()[0])
    (dx, _), _ = run.backward([np.ones(())])
    assert np.isnan(dx).sum() == 1


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "", [X, T]), [np.ones(())])


def test_errors():
    fails(LAYER % "", [X, T[:, :3]], "one shape", "(3, 3, 2, 5)")
    fails(LAYER % "smooth_l1_loss_param { sigma: 0 }", [X, T], "sigma must be positive, got 0")
    run = make_layer(LAYER % "", [X, T, INSIDE, OUTSIDE])
    run.forward()
    bottoms, _ = run.backward([np.ones(())], [True, False, True, True])
    assert bottoms[0].any() and not bottoms[2].any() and not bottoms[3].any()
