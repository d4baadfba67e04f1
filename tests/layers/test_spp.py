import math

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import distinct, fails


def pooled(plane, bins, average):
    """Bins of one plane by the rule: kernel ceil(size / bins), padded evenly to whole kernels."""
    size = plane.shape
    kernel = [math.ceil(s / bins) for s in size]
    pad = [(k * bins - s + 1) // 2 for k, s in zip(kernel, size, strict=True)]
    values = np.empty((bins, bins))
    for i, j in np.ndindex(bins, bins):
        start = [i * kernel[0] - pad[0], j * kernel[1] - pad[1]]
        stop = [min(b + k, s + p) for b, k, s, p in zip(start, kernel, size, pad, strict=True)]
        inside = [
            plane[h, w]
            for h in range(start[0], stop[0])
            for w in range(start[1], stop[1])
            if 0 <= h < size[0] and 0 <= w < size[1]
        ]
        area = (stop[0] - start[0]) * (stop[1] - start[1])
        values[i, j] = sum(inside) / area if average else max(inside)
    return values


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
@pytest.mark.parametrize(
    "height, shape", [(2, (2, 3, 5, 4)), (3, (1, 2, 9, 7)), (3, (2, 1, 8, 12))]
)
def test_formula_and_gradient(pool, height, shape):
    text = f'type: "SPP" spp_param {{ pyramid_height: {height} pool: {pool} }}'
    x = distinct(*shape)
    (y,) = make_layer(text, [x]).forward()
    for n in range(shape[0]):
        expected = np.concatenate(
            [
                np.array([pooled(plane, 2**level, pool == "AVE") for plane in x[n]]).reshape(-1)
                for level in range(height)
            ]
        )
        np.testing.assert_allclose(y[n], expected, atol=1e-12)
    check_layer(text, [x])


def test_one_level_keeps_4_axes():
    x = distinct(2, 3, 5, 4)
    text = 'type: "SPP" spp_param { pyramid_height: 1 }'
    (y,) = make_layer(text, [x]).forward()
    np.testing.assert_array_equal(y, x.max(axis=(2, 3), keepdims=True))
    check_layer(text, [x])


def test_stochastic():
    x = np.abs(distinct(2, 3, 4, 8)) + 0.1
    text = 'type: "SPP" spp_param { pyramid_height: 2 pool: STOCHASTIC }'
    run = make_layer(text, [x])
    (y,) = run.forward()
    level0, level1 = y[:, :3], y[:, 3:].reshape(2, 3, 2, 2)
    for n, c in np.ndindex(2, 3):
        assert level0[n, c] in x[n, c]
        for i, j in np.ndindex(2, 2):
            assert level1[n, c, i, j] in x[n, c, 2 * i : 2 * i + 2, 4 * j : 4 * j + 4]
    state = run.layer.get_state()
    second = run.forward()[0]
    assert (second != y).any()
    run.layer.set_state(state)
    np.testing.assert_array_equal(run.forward()[0], second)
    check_layer(text, [x])


def test_planes_of_another_size():
    run = make_layer('type: "SPP" spp_param { pyramid_height: 2 }', [distinct(2, 3, 5, 4)])
    run.forward()
    other = distinct(1, 3, 6, 9)
    run.bottom[0].reshape(*other.shape)
    run.bottom[0].data[...] = other
    run.reshape()
    fresh = make_layer('type: "SPP" spp_param { pyramid_height: 2 }', [other])
    np.testing.assert_array_equal(run.forward()[0], fresh.forward()[0])
    dy = distinct(1, 15)
    np.testing.assert_array_equal(run.backward([dy])[0][0], fresh.backward([dy])[0][0])


def test_errors():
    fails('type: "SPP"', [distinct(1, 1, 4, 4)], "pyramid_height must be given")
    fails(
        'type: "SPP" spp_param { pyramid_height: 4294967295 }',
        [distinct(1, 1, 4, 4)],
        "from 1 to 31, got 4294967295",
    )
    fails(
        'type: "SPP" spp_param { pyramid_height: 3 }',
        [distinct(1, 1, 5, 5)],
        "level 2",
        "5 x 5",
        "4 x 4 bins",
        "lower pyramid_height",
    )
    fails('type: "SPP" spp_param { pyramid_height: 2 }', [distinct(4, 4)], "4 axes")
    fails(
        'type: "SPP" spp_param { pyramid_height: 2 pool: STOCHASTIC }',
        [distinct(1, 1, 5, 4)],
        "takes no padding",
        "2 x 2 bins of 5 x 4",
        "multiple of 2",
    )
