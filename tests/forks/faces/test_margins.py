"""Margins on the score of the own class, and L-Softmax's product."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, labels, normal, spread
from tests.layers.helpers import fails

COSINES = np.array(
    [
        [0.3, -0.4, 0.7, 0.1],
        [0.2, -0.95, 0.5, -0.3],
        [-0.6, 0.8, 0.25, 0.55],
        [0.9, 0.05, -0.2, 0.4],
    ]
)
LABELS = np.array([2, 1, 0, 3.0])
FILLER = 'weight_filler { type: "gaussian" std: 0.8 }'
PRODUCT = f"""type: "LargeMarginInnerProduct"
              largemargin_inner_product_param {{ num_output: 4 %s {FILLER} }}"""
X = normal(5, 3, 2)
IDS = np.array([0, 3, 1, 3, 2.0])
DRAWN = spread(4, 3, low=-0.85, high=0.8)

CASES = [
    Case("CosinAddm", "cosin_add_m_param { m: 0.3 }", (DRAWN, labels(4)), allocates="own scores"),
    Case(
        "CombinedMargin",
        "combined_margin_param { m1: 1.5 m2: 0.3 m3: 0.2 }",
        (DRAWN, labels(4)),
        allocates="own scores",
    ),
    Case(
        "AdaCosAddmScale",
        "adacos_add_m_scale_param { m: 0.3 num_classes: 3.5 }",
        (DRAWN, labels(4)),
        gradient=False,
        own_gradient="the scale counts as a constant",
        allocates="the exponentials of all scores",
    ),
    Case("NormL2", "", (spread(4, 3, 2),)),
    Case(
        "LabelSpecificRescale",
        "label_specific_rescale_param { positive_weight: 2 negative_weight: 0.5 }",
        (spread(4, 3), labels(4)),
        allocates="own scores",
    ),
    Case(
        "LargeMarginInnerProduct",
        f"largemargin_inner_product_param {{ num_output: 4 type: DOUBLE base: 5 {FILLER} }}",
        (spread(5, 3), labels(5)),
        tops=2,
        allocates="numbers of the own class of each item",
    ),
]
SAMPLES = {
    "CosinAddm": (COSINES, LABELS),
    "CombinedMargin": (COSINES, LABELS),
    "AdaCosAddmScale": (COSINES, LABELS),
    "NormL2": (X,),
    "LabelSpecificRescale": (COSINES, LABELS),
    "LargeMarginInnerProduct": (X, IDS),
}


def arcface(cosine, m):
    angle = np.arccos(min(cosine, 1))
    return np.cos(angle + m) if angle + m < np.pi else cosine - m * np.sin(m)


def combined(cosine):
    return np.cos(1.5 * np.arccos(cosine) + 0.3) - 0.2


@pytest.mark.parametrize(
    "text, change",
    [
        ('type: "CosinAddm" cosin_add_m_param { m: 0.5 }', lambda c: arcface(c, 0.5)),
        ('type: "CosinAddm" cosin_add_m_param { m: 0.1 }', lambda c: arcface(c, 0.1)),
        ('type: "CombinedMargin" combined_margin_param { m1: 1.5 m2: 0.3 m3: 0.2 }', combined),
    ],
)
@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_only_the_own_score_changes(text, change, phase):
    (scores,) = make_layer(text, [COSINES, LABELS], phase=phase).forward()
    expected = COSINES.copy()
    for i, label in enumerate(LABELS.astype(int)):
        expected[i, label] = change(COSINES[i, label])
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    check_layer(text, [COSINES, LABELS])
    check_layer(text, [COSINES[:1], LABELS[:1]])


def test_a_cosine_above_1_counts_as_1():
    run = make_layer('type: "CosinAddm"', [np.array([[1.5, 0]]), np.zeros(1)])
    np.testing.assert_allclose(run.forward()[0], [[np.cos(0.5), 0]], rtol=1e-6)
    (dx, _), _ = run.backward([np.array([[3.0, 2]])], [True, False])
    np.testing.assert_array_equal(dx, [[3, 2]])


def test_the_scale_of_adacos():
    text = 'type: "AdaCosAddmScale" adacos_add_m_scale_param { m: 0.3 num_classes: 9 }'
    run = make_layer(text, [COSINES, LABELS])
    scale = np.sqrt(2) * np.log(8)
    for _ in range(2):
        plain = make_layer('type: "CosinAddm" cosin_add_m_param { m: 0.3 }', [COSINES, LABELS])
        total = 0.0
        for i, j in np.ndindex(4, 4):
            total += 1 if j == LABELS[i] else np.exp(scale * COSINES[i, j])
        angle = min(np.pi / 4, np.arccos(COSINES).mean())
        scale = np.log(total / 4) / np.cos(angle)
        np.testing.assert_allclose(run.forward()[0], scale * plain.forward()[0], rtol=1e-6)
        dy = normal(4, 4)
        (dx, _), _ = run.backward([dy], [True, False])
        (expected, _), _ = plain.backward([dy], [True, False])
        np.testing.assert_allclose(dx, scale * expected, rtol=1e-6)
    other = make_layer(text, [COSINES, LABELS])
    other.layer.set_state(run.layer.get_state())
    np.testing.assert_array_equal(other.forward()[0], run.forward()[0])


def test_unit_items():
    (y,) = make_layer('type: "NormL2"', [X]).forward()
    lengths = np.sqrt((X.reshape(5, 6) ** 2).sum(axis=1) + 1e-7)
    np.testing.assert_allclose(y, X / lengths[:, None, None], rtol=1e-6)
    check_layer('type: "NormL2"', [X])
    check_layer('type: "NormL2"', [X[:1]])


@pytest.mark.parametrize(
    "phase, more", [("TRAIN", ""), ("TEST", ""), ("TEST", "rescale_test: true")]
)
def test_rescaled_scores(phase, more):
    text = f"""type: "LabelSpecificRescale" label_specific_rescale_param {{
               positive_weight: 3 negative_weight: 0.5 {more} }}"""
    own = LABELS[:, None] == np.arange(4)
    applies = phase == "TRAIN" or more
    expected = COSINES * (np.where(own, 3, 0.5) if applies else 1)
    run = make_layer(text, [COSINES, LABELS], phase=phase)
    np.testing.assert_allclose(run.forward()[0], expected, rtol=1e-6)
    check_layer(text, [COSINES, LABELS], phase=phase)


def psi(cosine, m):
    angle = np.arccos(cosine)
    k = min(int(angle * m / np.pi), m - 1)
    return (-1) ** k * np.cos(m * angle) - 2 * k


@pytest.mark.parametrize("m, kind", list(enumerate(("SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE"), 1)))
def test_large_margins(m, kind):
    text = PRODUCT % f"type: {kind} base: 3 gamma: 1 lambda_min: 0.5"
    run = make_layer(text, [X, IDS], tops=2)
    scores, lambdas = run.forward()
    weight, x = run.layer.blobs[0].data, X.reshape(5, 6)
    assert lambdas == [1.5]
    for i, j in np.ndindex(5, 4):
        lengths = np.linalg.norm(x[i]) * np.linalg.norm(weight[j])
        expected = x[i] @ weight[j]
        if j == IDS[i] and m > 1:
            expected = (1.5 * expected + lengths * psi(expected / lengths, m)) / 2.5
        np.testing.assert_allclose(scores[i, j], expected, rtol=1e-6)
    constant = PRODUCT % f"type: {kind} base: 3"
    check_layer(constant, [X, IDS], tops=2)
    check_layer(constant, [X[:1], IDS[:1]], tops=2)


def test_errors():
    two = [COSINES, LABELS]
    fails('type: "CosinAddm" cosin_add_m_param { m: 4 }', two, "from 0 to pi, got 4")
    fails('type: "CosinAddm"', [COSINES, LABELS[:3]], "one label per item (4)")
    fails('type: "CombinedMargin"', [COSINES, LABELS + 1], "from 0 to 3")
    fails(
        'type: "AdaCosAddmScale" adacos_add_m_scale_param { num_classes: 2 }', two, "above 2, got 2"
    )
    fails('type: "LargeMarginInnerProduct"', [X, IDS], "needs num_output", tops=2)
