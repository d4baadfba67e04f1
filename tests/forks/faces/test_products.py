"""MarginInnerProduct, InnerProduct with normalize, InnerDistance, Parameter and Scale."""

import numpy as np
import pytest

from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, labels, normal, spread
from tests.layers.helpers import fails, untouched

X = normal(5, 3, 2)
LABELS = np.array([0, 3, 1, 3, 2.0])
FILLER = 'weight_filler { type: "gaussian" std: 0.8 }'
MARGIN = 'type: "MarginInnerProduct" margin_inner_product_param { num_output: 4 %s ' + FILLER + " }"
DISTANCE = 'type: "InnerDistance" inner_distance_param { num_output: 4 %s ' + FILLER + " }"
PRODUCT = 'type: "InnerProduct" inner_product_param { num_output: 4 %s ' + FILLER + " }"

CASES = [
    Case(
        "MarginInnerProduct",
        f"margin_inner_product_param {{ num_output: 4 type: QUADRUPLE lambda_min: 5 {FILLER} }}",
        (spread(5, 3), labels(5)),
        tops=2,
        gradient=False,
        own_gradient="SphereFace's, without the scaling of weights",
        allocates="numbers of the own class of each item",
    ),
    Case(
        "InnerDistance",
        f"inner_distance_param {{ num_output: 4 {FILLER} }}",
        (spread(5, 3),),
        allocates="the differences from one row",
    ),
    Case(
        "InnerDistance",
        'inner_distance_param { distance_type: "L1" }',
        (spread(5, 3), spread(4, 3, low=-3)),
        batched=(0,),
        flags=(True, True),
        allocates="the differences from one row",
    ),
    Case(
        "InnerProduct",
        f"inner_product_param {{ num_output: 4 normalize: false {FILLER} }}",
        (spread(5, 3),),
    ),
    Case(
        "InnerProduct",
        "inner_product_param { normalize: false }",
        (spread(5, 3), spread(4, 3), spread(4)),
        batched=(0,),
        flags=(True, True, True),
    ),
    Case(
        "Parameter",
        """parameter_param { shape { dim: 3 dim: 4 }
           blob_filler { type: "gaussian_unitball" } }""",
    ),
    Case(
        "Scale",
        'scale_param { min_value: -9 filler { type: "uniform" min: 1 max: 2 } }',
        (spread(4, 3, 2),),
    ),
]
SAMPLES = {
    "MarginInnerProduct": (X, LABELS),
    "InnerDistance": (X,),
    "ScaledInnerProduct": (X,),
    "LimitedScale": (X,),
}


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def psi(cosine, m):
    angle = np.arccos(cosine)
    k = min(int(angle * m / np.pi), m - 1)
    return (-1) ** k * np.cos(m * angle) - 2 * k


@pytest.mark.parametrize("m, kind", list(enumerate(("SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE"), 1)))
def test_margin_scores(m, kind):
    run = make_layer(MARGIN % f"type: {kind} base: 3 lambda_min: 0.5", [X, LABELS], tops=2)
    scores, lambdas = run.forward()
    weight, x = run.layer.blobs[0].data, X.reshape(5, 6)
    np.testing.assert_allclose(np.linalg.norm(weight, axis=1), 1, rtol=1e-12)
    assert lambdas == [3]
    for i, j in np.ndindex(5, 4):
        length, cosine = np.linalg.norm(x[i]), unit(x[i]) @ weight[j]
        expected = length * cosine
        if j == LABELS[i] and m > 1:
            expected = (3 * expected + length * psi(cosine, m)) / 4
        np.testing.assert_allclose(scores[i, j], expected, rtol=1e-9)


@pytest.mark.parametrize("m, kind", list(enumerate(("SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE"), 1)))
def test_margin_gradients_are_spherefaces(m, kind):
    run = make_layer(MARGIN % f"type: {kind} base: 3", [X, LABELS], tops=2)
    run.forward()
    weight, x, dy = run.layer.blobs[0].data.copy(), X.reshape(5, 6), normal(5, 4)
    (dx, _), (dweight,) = run.backward([dy, np.zeros(1)], [True, False])
    np.testing.assert_allclose(dweight, dy.T @ x, rtol=1e-9)
    for i in range(5):
        expected = dy[i] @ weight
        own = int(LABELS[i])
        length, cosine = np.linalg.norm(x[i]), unit(x[i]) @ weight[own]
        if m > 1:
            step = 1e-6
            slope = (psi(cosine + step, m) - psi(cosine - step, m)) / (2 * step)
            along = (psi(cosine, m) - slope * cosine) / length
            scale = np.hypot(slope, along)
            part = (3 * weight[own] + slope / scale * weight[own] + along / scale * x[i]) / 4
            expected += dy[i, own] * (part - weight[own])
        np.testing.assert_allclose(dx.reshape(5, 6)[i], expected, rtol=1e-5, atol=1e-7)


def test_lambda_falls_and_resumes():
    text = MARGIN % "type: DOUBLE base: 100 gamma: 0.5 power: 2 lambda_min: 4 iteration: 3"
    run = make_layer(text, [X, LABELS], tops=2)
    expected = [max(4, 100 * (1 + 0.5 * i) ** -2) for i in range(4, 9)]
    found = []
    for _ in range(3):
        found.append(run.forward()[1][0])
    state = run.layer.get_state()
    other = make_layer(text, [X, LABELS], tops=2)
    other.layer.set_state(state)
    found += [other.forward()[1][0] for _ in range(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_normalized_product():
    run = make_layer(PRODUCT % "normalize: true", [X])
    (y,) = run.forward()
    weight, bias = (blob.data for blob in run.layer.blobs)
    np.testing.assert_allclose(np.linalg.norm(weight, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(y, X.reshape(5, 6) @ weight.T + bias, rtol=1e-9)
    check_layer(PRODUCT % "normalize: false transpose: true", [X])


def test_products_with_bottoms_as_weights():
    weight, bias = normal(4, 6), normal(4)
    flags = (True, True, True)
    text = 'type: "InnerProduct" inner_product_param { normalize: false }'
    (y,) = make_layer(text, [X, weight, bias]).forward()
    np.testing.assert_allclose(y, X.reshape(5, 6) @ weight.T + bias, rtol=1e-9)
    check_layer(text, [X, weight, bias], propagate_down=flags)
    check_layer(text, [X, weight], propagate_down=flags[:2])
    untouched(make_layer(text, [X, weight, bias]), [normal(5, 4)])


def test_a_net_finds_the_product_of_bottoms_without_the_field():
    net = text.parse(
        """layer { name: "in" type: "DummyData" top: "x" top: "w"
             dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 4 dim: 3 }
             data_filler { value: 2 } data_filler { value: 5 } } }
        layer { name: "y" type: "InnerProduct" bottom: "x" bottom: "w" top: "y"
             inner_product_param { bias_term: false } }""",
        schema.NetParameter,
    )
    with Net(net) as made:
        made.forward()
        np.testing.assert_array_equal(made.blobs["y"].data, np.full((2, 4), 30))


@pytest.mark.parametrize("kind", ["L1", "L2"])
def test_distances(kind):
    run = make_layer(DISTANCE % f'distance_type: "{kind}"', [X])
    (y,) = run.forward()
    weight, x = run.layer.blobs[0].data, X.reshape(5, 6)
    for i, j in np.ndindex(5, 4):
        difference = x[i] - weight[j]
        expected = abs(difference).sum() if kind == "L1" else (difference**2).sum()
        np.testing.assert_allclose(y[i, j], expected, rtol=1e-9)
    check_layer(DISTANCE % f'distance_type: "{kind}"', [X])
    rows = normal(4, 6)
    text = f'type: "InnerDistance" inner_distance_param {{ distance_type: "{kind}" }}'
    check_layer(text, [X, rows], propagate_down=(True, True))
    check_layer(text, [X[:1], rows[:1]], propagate_down=(True, True))


def test_normalized_distances_and_centers_alone():
    run = make_layer(DISTANCE % "normalize: true", [X])
    run.forward()
    np.testing.assert_allclose(np.linalg.norm(run.layer.blobs[0].data, axis=1), 1, rtol=1e-5)
    run = make_layer(DISTANCE % "update_center_only: true", [X, LABELS])
    run.forward()
    weight, x, dy = run.layer.blobs[0].data.copy(), X.reshape(5, 6), normal(5, 4)
    _, (dweight,) = run.backward([dy], [True, False])
    expected = np.zeros_like(weight)
    for i in range(5):
        own = int(LABELS[i])
        expected[own] += 2 * dy[i, own] * (weight[own] - x[i])
    np.testing.assert_allclose(dweight, expected, rtol=1e-9)


def test_a_filled_parameter():
    text = """type: "Parameter" parameter_param { shape { dim: 3 dim: 4 dim: 2 }
              blob_filler { type: "gaussian_unitball" } }"""
    (y,) = make_layer(text, []).forward()
    np.testing.assert_allclose((y**2).sum(axis=(1, 2)), 1, rtol=1e-9)
    assert (y < 0).any() and (y > 0).any()


def test_a_scale_within_limits():
    text = """type: "Scale" scale_param { min_value: 0.5 max_value: 1.5
              filler { type: "uniform" min: 0 max: 2 } }"""
    x = normal(2, 40)
    run = make_layer(text, [x])
    (y,) = run.forward()
    scale = run.layer.blobs[0].data
    assert scale.min() == 0.5 and scale.max() == 1.5 and len(set(scale)) > 10
    np.testing.assert_allclose(y, x * scale, rtol=1e-9)
    only = 'type: "Scale" scale_param { max_value: 0.75 }'
    np.testing.assert_allclose(make_layer(only, [x]).forward()[0], 0.75 * x, rtol=1e-9)


def test_errors():
    fails(MARGIN % "", [X, LABELS + 1], "labels must be integers from 0 to 3", "got 4")
    fails(MARGIN % "", [X, LABELS[:4]], "one label per item (5)", "got 4")
    fails('type: "MarginInnerProduct"', [X, LABELS], "needs num_output")
    fails(DISTANCE % 'distance_type: "L3"', [X], 'must be "L1" or "L2"', '"L3"')
    fails(DISTANCE % "transpose: true", [X], "transpose false")
    fails(DISTANCE % "", [X, normal(4, 5)], "do not fit rows of shape (4, 5)")
    fails(DISTANCE % "", [X, normal(4, 6), LABELS], "labels with update_center_only alone")
    fails(PRODUCT % "normalize: true transpose: true", [X], "transpose needs one bottom")
    fails(PRODUCT % "normalize: true", [X, normal(4, 5)], "do not fit weights of shape (4, 5)")
    fails(PRODUCT % "normalize: true", [X, normal(4, 6), normal(3)], "needs 4 biases, got 3")
