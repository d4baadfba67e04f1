"""Normalize over channels, Flip, LabelSpecificAdd and SoftTruncation."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, labels, normal, spread
from tests.layers.helpers import fails, untouched

X = normal(2, 3, 4, 5)
NORMALIZE = 'type: "Normalize" normalize_param { normalize_type: "%s" %s }'
SCORES, LABELS = np.random.default_rng(6).normal(0.5, 1, (5, 4)), np.array([0, 3, 1, 3, 2.0])
ADD = 'type: "LabelSpecificAdd" label_specific_add_param { %s }'

CASES = [
    Case("Normalize", 'normalize_param { normalize_type: "L2" }', (spread(3, 2, 5, 4),)),
    Case("Normalize", 'normalize_param { normalize_type: "L1" }', (spread(3, 4),)),
    Case("Normalize", "normalize_param { bp_norm: true }", (spread(3, 4, 2),), tops=2),
    Case("Flip", "flip_param { flip_height: true }", (spread(3, 2, 5, 4),)),
    Case(
        "LabelSpecificAdd",
        "label_specific_add_param { bias: -0.4 }",
        (spread(5, 3), labels(5)),
        flags=(True, False),
        allocates="the score of the own class of each item",
    ),
    Case("SoftTruncation", "soft_truncation_param { c: 1.5 }", (spread(4, 3),)),
]
SAMPLES = {
    "ChannelNormalize": (X,),
    "Flip": (X,),
    "LabelSpecificAdd": (SCORES, LABELS),
    "SoftTruncation": (abs(X),),
}


@pytest.mark.parametrize("kind", ["L2", "L1"])
def test_normalize(kind):
    y, norm = make_layer(NORMALIZE % (kind, ""), [X], tops=2).forward()
    for n, h, w in np.ndindex(2, 4, 5):
        place = X[n, :, h, w]
        size = np.sqrt((place**2).sum()) if kind == "L2" else abs(place).sum()
        np.testing.assert_allclose(norm[n, 0, h, w], size, rtol=1e-5)
        np.testing.assert_allclose(y[n, :, h, w], place / size, rtol=1e-5)
    check_layer(NORMALIZE % (kind, ""), [X])
    check_layer(NORMALIZE % (kind, "bp_norm: true"), [X[:1, :, 0]], tops=2)
    untouched(make_layer(NORMALIZE % (kind, ""), [X]), [X])


@pytest.mark.parametrize("kind", ["L2", "L1"])
def test_fixed_gradients_are_not_divided(kind):
    plain, fixed = (
        make_layer(NORMALIZE % (kind, option), [X], tops=2) for option in ("", "fix_gradient: true")
    )
    _, norm = plain.forward()
    fixed.forward()
    dy = [normal(2, 3, 4, 5), np.zeros((2, 1, 4, 5))]
    (expected,), _ = plain.backward(dy)
    (dx,), _ = fixed.backward(dy)
    np.testing.assert_allclose(dx, expected * norm, rtol=1e-9)


def test_the_norm_passes_no_gradient_without_bp_norm():
    run = make_layer(NORMALIZE % ("L2", ""), [X], tops=2)
    run.forward()
    (dx,), _ = run.backward([np.zeros_like(X), np.ones((2, 1, 4, 5))])
    assert (dx == 0).all()


def test_an_older_spelling():
    text = 'type: "Normalize" softmax_param { normalize_type: "L1" }'
    expected = make_layer(NORMALIZE % ("L1", ""), [X]).forward()[0]
    np.testing.assert_array_equal(make_layer(text, [X]).forward()[0], expected)


@pytest.mark.parametrize("rows, columns", [(False, True), (True, False), (True, True)])
def test_flip(rows, columns):
    text = f"""type: "Flip" flip_param {{ flip_width: {str(columns).lower()}
               flip_height: {str(rows).lower()} }}"""
    (y,) = make_layer(text, [X]).forward()
    for n, c, h, w in np.ndindex(*X.shape):
        assert y[n, c, h, w] == X[n, c, 3 - h if rows else h, 4 - w if columns else w]
    check_layer(text, [X])
    np.testing.assert_array_equal(make_layer('type: "Flip"', [X]).forward()[0], X[..., ::-1])


@pytest.mark.parametrize("in_place", [False, True])
def test_a_margin_on_the_own_score(in_place):
    run = make_layer(ADD % "bias: -0.35", [SCORES, LABELS], in_place=in_place)
    (y,) = run.forward()
    for i, j in np.ndindex(5, 4):
        added = -0.35 if j == LABELS[i] and SCORES[i, j] > 0.35 else 0
        np.testing.assert_allclose(y[i, j], SCORES[i, j] + added, rtol=1e-6)
    assert (y != SCORES).any() and (y == SCORES).any()
    check_layer(ADD % "bias: -0.35", [SCORES, LABELS], propagate_down=(True, False))
    (y,) = make_layer(ADD % "bias: -0.35", [SCORES, LABELS], phase="TEST").forward()
    np.testing.assert_array_equal(y, SCORES)


def test_a_bias_that_changes_and_resumes():
    options = "bias_base: -0.1 bias_gamma: -0.2 bias_min: -0.6 bias_max: 0 iteration: 1"
    run = make_layer(ADD % options, [SCORES, LABELS], tops=2)
    found = [run.forward()[1][0] for _ in range(2)]
    other = make_layer(ADD % options, [SCORES, LABELS], tops=2)
    other.layer.set_state(run.layer.get_state())
    found += [other.forward()[1][0] for _ in range(2)]
    np.testing.assert_allclose(found, [-0.3, -0.5, -0.6, -0.6], rtol=1e-6)


def test_soft_truncation():
    x = abs(X)
    (y,) = make_layer('type: "SoftTruncation"', [x]).forward()
    np.testing.assert_allclose(y, 1 - np.exp(-x / 2), rtol=1e-9)
    for in_place in (False, True):
        check_layer(
            'type: "SoftTruncation" soft_truncation_param { c: 0.7 }', [x], in_place=in_place
        )


def test_errors():
    fails(NORMALIZE % ("max", ""), [X], 'must be "L1" or "L2", got "max"')
    fails(NORMALIZE % ("L2", ""), [X[0, 0, 0]], "at least 2 axes", "(5,)")
    fails('type: "Flip"', [SCORES], "images (N, C, H, W)", "(5, 4)")
    fails(ADD % "", [SCORES, LABELS + 1], "labels must be integers from 0 to 3", "got 4")
    fails(ADD % "", [SCORES, LABELS[:2]], "one label per item (5), got 2")
    fails('type: "SoftTruncation" soft_truncation_param { c: 0 }', [X], "c must not be 0")
