import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal


def expected(x, across, scaled, eps=1e-9):
    y = np.empty_like(x)
    parts = [(n,) for n in range(x.shape[0])] if across else list(np.ndindex(*x.shape[:2]))
    for part in parts:
        values = x[part].reshape(-1).tolist()
        mean = sum(values) / len(values)
        std = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
        y[part] = (x[part] - mean) / (std + eps) if scaled else x[part] - mean
    return y


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 2, 3, 1)])
@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
def test_formula_and_gradient(shape, across, scaled):
    text = (
        f'type: "MVN" mvn_param {{ across_channels: {str(across).lower()} '
        f"normalize_variance: {str(scaled).lower()} }}"
    )
    x = 3 * normal(*shape) + 2
    np.testing.assert_allclose(make_layer(text, [x]).forward()[0], expected(x, across, scaled))
    check_layer(text, [x])


def test_eps_is_added_to_the_deviation():
    x = normal(2, 3, 4, 5)
    (y,) = make_layer('type: "MVN" mvn_param { eps: 0.5 }', [x]).forward()
    np.testing.assert_allclose(y, expected(x, False, True, 0.5))


def test_gradient_with_a_large_eps_is_caffes():
    x, dy = normal(1, 1, 3, 4), normal(1, 1, 3, 4)
    run = make_layer('type: "MVN" mvn_param { eps: 0.5 }', [x])
    (y,) = run.forward()
    (dx,), _ = run.backward([dy])
    np.testing.assert_allclose(dx, (dy - dy.mean() - y * (dy * y).mean()) / (x.std() + 0.5))


def test_top_has_always_4_axes():
    x = normal(2, 3, 4)
    (y,) = make_layer('type: "MVN"', [x]).forward()
    assert y.shape == (2, 3, 4, 1)
    np.testing.assert_allclose(y, expected(x[..., None], False, True))
    check_layer('type: "MVN"', [x])


def test_a_constant_plane_gives_0():
    assert (make_layer('type: "MVN"', [np.full((1, 1, 2, 3), 5.0)]).forward()[0] == 0).all()


def test_errors():
    fails('type: "MVN"', [normal(1, 2, 3, 4, 5)], "at most 4 axes")
    fails('type: "MVN"', [np.zeros((2, 3, 0, 4))], "(2, 3, 0, 4)")
