import numpy as np

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal

CASES = [Case("Gather", "", (spread(3, 2), spread(3, 4, 2)), tops=2)]
SAMPLES = {"Gather": (normal(2, 3), normal(2))}


def test_tops_share_the_memory_of_bottoms():
    a, b = normal(2, 3), normal(4)
    run = make_layer('type: "Gather"', [a, b], tops=2)
    for below, above in zip(run.bottom, run.top, strict=True):
        assert below.buffer_ids == above.buffer_ids
    np.testing.assert_array_equal(run.forward()[1], b)
    check_layer('type: "Gather"', [a, b], tops=2)


def test_errors():
    fails('type: "Gather"', [normal(2), normal(3)], "one top per bottom", tops=1)
