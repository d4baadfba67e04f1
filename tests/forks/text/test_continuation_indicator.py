import numpy as np

from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails

LAYER = 'type: "ContinuationIndicator" continuation_indicator_param { %s }'
CASES = [
    Case(
        "ContinuationIndicator",
        "continuation_indicator_param { time_step: 4 batch_size: 3 }",
        gradient=False,
    )
]
SAMPLES = {"ContinuationIndicator": ()}


def test_values():
    (y,) = make_layer(LAYER % "time_step: 4 batch_size: 3").forward()
    np.testing.assert_array_equal(y, [[0] * 3, [1] * 3, [1] * 3, [1] * 3])


def test_errors():
    fails(LAYER % "time_step: 4", [], "needs time_step and batch_size, got 4 and 0")
