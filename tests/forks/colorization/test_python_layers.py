import numpy as np

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal

LAYER = (
    """type: "Python" python_param { module: "caffe_traininglayers" layer: "SpatialRepLayer" }"""
)
X, REFERENCE = normal(2, 3, 1, 1), normal(2, 5, 4, 6)


def test_one_place_is_repeated():
    (y,) = make_layer(LAYER, [X, REFERENCE], tops=1).forward()
    np.testing.assert_array_equal(y, np.broadcast_to(X, (2, 3, 4, 6)))
    check_layer(LAYER, [X, REFERENCE], tops=1)


def test_errors():
    fails(LAYER, [REFERENCE, REFERENCE], "needs bottoms (N, C, 1, 1)", "(2, 5, 4, 6)", tops=1)
