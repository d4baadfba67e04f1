"""InnerProduct against sums written out."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import FILLED, fails, normal, params, untouched


def text(options=""):
    return f'type: "InnerProduct" inner_product_param {{ num_output: 4 {FILLED} {options} }}'


def reference(x, weight, bias, axis, transpose):
    rows = x.reshape(int(np.prod(x.shape[:axis])), -1)
    y = np.zeros((len(rows), 4))
    for m in range(len(rows)):
        for n in range(4):
            y[m, n] = bias[n] if bias is not None else 0
            for k in range(rows.shape[1]):
                y[m, n] += rows[m, k] * (weight[k, n] if transpose else weight[n, k])
    return y.reshape(*x.shape[:axis], 4)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    ("options", "axis", "weights"),
    [
        ("", 1, (4, 10)),
        ("axis: 2", 2, (4, 2)),
        ("axis: -1", 2, (4, 2)),
        ("axis: 0", 0, (4, None)),
        ("transpose: true", 1, (10, 4)),
        ("bias_term: false", 1, (4, 10)),
        ("axis: 2 transpose: true bias_term: false", 2, (2, 4)),
    ],
)
def test_forward_and_gradients(options, axis, weights, batch):
    x = normal(batch, 5, 2)
    run = make_layer(text(options), [x])
    weight, *bias = params(run)
    assert weight.shape == tuple(size or batch * 10 for size in weights)
    (y,) = run.forward()
    expected = reference(x, weight, bias[0] if bias else None, axis, "transpose" in options)
    np.testing.assert_allclose(y, expected, rtol=1e-10)
    check_layer(text(options), [x])


def test_a_new_batch_size_and_no_gradient_below():
    run = make_layer(text(), [normal(3, 5)])
    run.bottom[0].reshape(2, 5)
    run.bottom[0].data[...] = x = normal(2, 5)
    run.reshape()
    np.testing.assert_allclose(run.forward()[0], reference(x, *params(run), 1, False), rtol=1e-10)
    untouched(run, [normal(2, 4)])


def test_errors():
    fails('type: "InnerProduct"', [normal(2, 3)], "num_output must be at least 1")
    fails(text("axis: 2"), [normal(2, 3)], "axis must be in [-2, 1]", "got 2")
    fails(text(), [np.zeros((2, 0))], "at least one element", "(2, 0)")
    fails(
        'type: "InnerProduct" inner_product_param { num_output: 2 weight_filler { type: "xavir" '
        "} }",
        [normal(2, 3)],
        "xavir",
        "xavier",
    )
    run = make_layer(text(), [normal(2, 3)])
    run.bottom[0].reshape(2, 4)
    with pytest.raises(Exception, match="take 3 inputs.* has 4"):
        run.reshape()
