import numpy as np

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal

X = normal(2, 3, 4, 5)
CASES = [Case("ChannelNorm", "", (spread(3, 2, 4, 5),))]
SAMPLES = {"ChannelNorm": (X,)}


def test_values_and_gradients():
    (y,) = make_layer('type: "ChannelNorm"', [X]).forward()
    assert y.shape == (2, 1, 4, 5)
    for n, h, w in np.ndindex(2, 4, 5):
        np.testing.assert_allclose(y[n, 0, h, w], np.linalg.norm(X[n, :, h, w]), rtol=1e-12)
    check_layer('type: "ChannelNorm"', [X])
    check_layer('type: "ChannelNorm"', [X[:1, :, 0]])


def test_zeros_have_no_gradient():
    run = make_layer('type: "ChannelNorm"', [np.zeros((1, 2, 2, 2))])
    run.forward()
    (dx,), _ = run.backward([np.ones((1, 1, 2, 2))])
    assert (dx == 0).all()


def test_errors():
    fails('type: "ChannelNorm"', [np.ones(3)], "at least 2 axes")
