import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import distinct, fails, normal


def text(param):
    return f'type: "Eltwise" eltwise_param {{ {param} }}'


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 4)])
def test_sum(count, shape):
    xs = [normal(*shape) for _ in range(count)]
    np.testing.assert_allclose(make_layer(text(""), xs).forward()[0], sum(xs))
    check_layer(text(""), xs)


@pytest.mark.parametrize("coeff", [[2, -0.5], [1, -1], [0.25, 1, 3]])
def test_weighted_sum(coeff):
    xs = [normal(2, 3) for _ in coeff]
    param = text("operation: SUM " + " ".join(f"coeff: {c}" for c in coeff))
    expected = sum(c * x for c, x in zip(coeff, xs, strict=True))
    np.testing.assert_allclose(make_layer(param, xs).forward()[0], expected)
    check_layer(param, xs)


@pytest.mark.parametrize("operation", ["SUM", "PROD", "MAX"])
def test_axes_of_size_1_at_the_end_do_not_count(operation):
    a, b = distinct(2, 3, 4)
    param = text(f"operation: {operation}")
    alike, other = make_layer(param, [a, b]), make_layer(param, [a, b[:, :, None, None]])
    np.testing.assert_array_equal(other.forward()[0], alike.forward()[0])
    check_layer(param, [a, b[:, :, None, None]])
    fails(param, [a[:, :, None], b[:, None]], "all bottoms must have one shape")


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("stable", ["true", "false"])
def test_product(count, stable):
    xs = [normal(2, 3, 4) for _ in range(count)]
    param = text(f"operation: PROD stable_prod_grad: {stable}")
    np.testing.assert_allclose(make_layer(param, xs).forward()[0], np.prod(xs, axis=0))
    check_layer(param, xs)


def test_stable_product_at_0_and_the_other():
    xs = [[0.0, 2.0], [3.0, 5.0], [7.0, 11.0]]
    gradients = []
    for stable in ("true", "false"):
        run = make_layer(text(f"operation: PROD stable_prod_grad: {stable}"), xs)
        run.forward()
        gradients.append(run.backward([np.ones(2)])[0][0])
    assert gradients[0].tolist() == [21, 55]
    assert np.isnan(gradients[1][0])
    assert gradients[1][1] == 55


@pytest.mark.parametrize("count", [2, 3, 4])
def test_max(count):
    xs = list(distinct(count, 2, 5, 3))
    np.testing.assert_array_equal(
        make_layer(text("operation: MAX"), xs).forward()[0], np.max(xs, axis=0)
    )
    check_layer(text("operation: MAX"), xs)


@pytest.mark.parametrize(
    "values, winner",
    [
        ([4, 4, 4], 1),
        ([4, 3, 4], 0),
        ([3, 4, 4], 1),
        ([2, 3, 4], 2),
        ([3, 3, 4], 2),
    ],
)
def test_equal_maxima_have_one_winner(values, winner):
    run = make_layer(text("operation: MAX"), [[float(v)] for v in values])
    run.forward()
    diffs, _ = run.backward([[6.0]])
    assert [d.item() for d in diffs] == [6.0 if i == winner else 0.0 for i in range(3)]


def test_nan_stays():
    xs = [[np.nan, 1.0, 1.0], [2.0, np.nan, 2.0], [1.0, 5.0, np.nan]]
    run = make_layer(text("operation: MAX"), xs)
    assert np.isnan(run.forward()[0]).all()
    run.backward([np.ones(3)])


def test_only_some_gradients():
    for operation in ("SUM", "PROD", "MAX"):
        run = make_layer(text(f"operation: {operation}"), list(distinct(2, 3)))
        run.forward()
        run.bottom[0].diff[...] = 7
        (first, second), _ = run.backward([np.ones(3)], [False, True])
        assert (first == 7).all()
        assert np.isfinite(second).all()


def test_errors():
    xs = [normal(2, 3), normal(2, 3)]
    fails(text("coeff: 1"), xs, "one coeff for each of its 2 bottoms, got 1")
    for operation in ("PROD", "MAX"):
        fails(text(f"operation: {operation} coeff: 1 coeff: 2"), xs, "coeff needs operation: SUM")
    fails(text(""), [normal(2, 3), normal(3, 2)], "bottom[0] is (2, 3)", "bottom[1] is (3, 2)")
