import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal, untouched

X = normal(2, 6, 3, 5)
LAYER = 'type: "ShuffleChannel" shuffle_channel_param { group: %d }'

CASES = [
    Case("ShuffleChannel", "shuffle_channel_param { group: 3 }", (spread(3, 6, 2, 4),)),
    Case("ShuffleChannel", "shuffle_channel_param { group: 2 }", (spread(4, 6),)),
]
SAMPLES = {"ShuffleChannel": (X,)}


@pytest.mark.parametrize("group", [1, 2, 3, 6])
def test_channels(group):
    (y,) = make_layer(LAYER % group, [X]).forward()
    expected = np.empty_like(X)
    each = 6 // group
    for g, k in np.ndindex(group, each):
        expected[:, k * group + g] = X[:, g * each + k]
    np.testing.assert_array_equal(y, expected)
    check_layer(LAYER % group, [X])
    check_layer(LAYER % group, [X[:1]])


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % 3, [X]), [X])


@pytest.mark.parametrize("group", [0, 4])
def test_a_group_that_does_not_divide(group):
    fails(LAYER % group, [X], "divide the channels", f"group {group}")
