import numpy as np
import pytest

from caffe_lite.errors import LayerError
from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, normal

X, Z = normal(3, 2, 4), normal(3, 2, 4)
K = np.array([[0.5, 0.0, 1.5], [2.0, -1.0, 0.25]])
SCALED = "eltwise_param { coeff_blob: true %s }"

CASES = [
    Case("Eltwise", SCALED % "coeff: 0.5 coeff: -2", (X, Z, K), batched=(), grows=(2, 2, None)),
    Case("Eltwise", SCALED % "", (X, K[:1]), batched=(), grows=(2, None)),
    Case("Eltwise", "eltwise_param { coeff_blob: false coeff: 2 coeff: 3 }", (X, Z)),
]
SAMPLES = {"EltwiseWithCoefficients": (X, K[:1])}


@pytest.mark.parametrize("shape", [(2, 3), (6,), (2, 3, 1, 1)])
def test_every_item_has_its_coefficient(shape):
    layer = f'type: "Eltwise" {SCALED % "coeff: 0.5 coeff: -2"}'
    (y,) = make_layer(layer, [X, Z, K.reshape(shape)]).forward()
    for n in range(3):
        expected = 0.5 * K[0, n] * X[n] - 2 * K[1, n] * Z[n]
        np.testing.assert_allclose(y[n], expected, rtol=1e-12)


@pytest.mark.parametrize("items", [1, 3])
def test_gradients(items):
    check_layer(f'type: "Eltwise" {SCALED % ""}', [X[:items], Z[:items], K[:, :items]])


def test_false_is_caffes_sum():
    (y,) = make_layer('type: "Eltwise" eltwise_param { coeff_blob: false }', [X, Z]).forward()
    np.testing.assert_array_equal(y, X + Z)


@pytest.mark.parametrize(
    "options, last, error",
    [
        ("", K[:, :2], "one coefficient for each of 2 bottoms and 3 items, got shape (2, 2)"),
        ("operation: MAX", K, "coeff_blob needs operation: SUM"),
        ("coeff: 1", K, "needs one coeff for each of its 2 bottoms, got 1"),
    ],
)
def test_errors(options, last, error):
    with pytest.raises(LayerError) as raised:
        make_layer(f'type: "Eltwise" {SCALED % options}', [X, Z, last])
    assert error in str(raised.value)
