"""What is asked of every activation: formula, gradient, in-place runs."""

import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.testing import check_layer, make_layer


def inputs(shape=(2, 3, 5), seed=3, low=-2.5, high=2.5):
    """Numbers spread over [low, high], none within 0.01 of another or of a tenth."""
    count = int(np.prod(shape))
    spread = np.linspace(low, high, count) + 0.0123
    return np.random.default_rng(seed).permutation(spread).reshape(shape)


def check_neuron(text, function, x=None, in_place=True, smooth=True):
    """Hold the layer against `function(number)`, in both element types, batch 1 too."""
    x = inputs() if x is None else x
    for batch in (x, x[:1]):
        expected = np.array([function(float(v)) for v in batch.reshape(-1)]).reshape(batch.shape)
        for dtype, tolerance in (("float64", 1e-12), ("float32", 3e-6)):
            ops = get_ops(dtype=dtype)
            for here in (False, True)[: 1 + in_place]:
                (y,) = make_layer(text, [batch], ops=ops, in_place=here).forward()
                np.testing.assert_allclose(y, expected, rtol=tolerance, atol=tolerance)
        if smooth:
            check_layer(text, [batch])
            if in_place:
                check_layer(text, [batch], in_place=True)


def saturates(text, in_place=True):
    """Far from 0, at infinity and for NaN the layer neither warns nor fails; returns y and dx."""
    x = np.array([-np.inf, -1e4, -100, 100, 1e4, np.inf, np.nan])
    run = make_layer(text, [x], ops=get_ops(dtype="float32"))
    (y,) = run.forward()
    (dx,), _ = run.backward([np.ones_like(x)])
    return y, dx
