import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

X = normal(2, 3, 4, 5)
FILLER = 'scale_filler { type: "uniform" min: 1 max: 4 }'
LAYER = 'type: "Normalize" norm_param { %s }'

CASES = [
    Case("Normalize", f"norm_param {{ {FILLER} eps: 0.3 }}", (spread(3, 2, 5, 4),)),
    Case(
        "Normalize",
        f"norm_param {{ across_spatial: false channel_shared: false {FILLER} }}",
        (spread(3, 2, 5, 4),),
    ),
]
SAMPLES = {"Normalize": (X,)}


def by_loop(x, scale, across, eps):
    y = np.empty_like(x)
    for n, c, h, w in np.ndindex(x.shape):
        over = x[n] if across else x[n, :, h, w]
        y[n, c, h, w] = x[n, c, h, w] / np.sqrt((over**2).sum() + eps)
        y[n, c, h, w] *= scale[c] if scale.shape else scale
    return y


@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("eps", [1e-10, 0.3])
def test_forward_and_gradients(across, shared, eps):
    text = LAYER % (
        f"across_spatial: {str(across).lower()} channel_shared: {str(shared).lower()} "
        f"eps: {eps} {FILLER}"
    )
    run = make_layer(text, [X])
    scale = run.layer.blobs[0].data.copy()
    assert scale.shape == (() if shared else (3,))
    np.testing.assert_allclose(run.forward()[0], by_loop(X, scale, across, eps), rtol=1e-6)
    check_layer(text, [X])
    check_layer(text, [X[:1]])


def test_defaults_are_one_norm_and_one_scale_of_one():
    (y,) = make_layer('type: "Normalize"', [X]).forward()
    for n in range(2):
        np.testing.assert_allclose(y[n], X[n] / np.linalg.norm(X[n]), rtol=1e-9)


def test_rows_and_other_numbers_of_axes():
    text = LAYER % f"across_spatial: false channel_shared: false {FILLER}"
    for shape in ((4, 3), (2, 3, 5), (2, 3, 2, 2, 2)):
        check_layer(text, [normal(*shape)])


def test_zeros_stay_zeros():
    (y,) = make_layer('type: "Normalize"', [np.zeros((2, 3))]).forward()
    assert (y == 0).all()


def test_a_scale_of_zero_still_learns():
    run = make_layer(LAYER % 'scale_filler { type: "constant" value: 0 }', [X])
    run.forward()
    _, (dscale,) = run.backward([np.ones_like(X)])
    expected = sum((X[n] / np.linalg.norm(X[n])).sum() for n in range(2))
    np.testing.assert_allclose(dscale, expected, rtol=1e-9)


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer('type: "Normalize"', [X]), [normal(*X.shape)])


def test_errors():
    fails('type: "Normalize"', [np.ones(3)], "at least 2 axes", "(3,)")
