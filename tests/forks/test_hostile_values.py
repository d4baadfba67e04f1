"""Layers of forks on numbers that no net should give them: an error of one line, or no error."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.errors import CaffeError
from caffe_lite.testing import make_layer
from tests.forks.rcnn.test_python_layers import INFO, OBJECTS, SETTINGS, layer
from tests.layer_cases import beside_tests

# Labels out of range, boxes without area or far outside, scores that are not numbers
VALUES = (np.nan, -np.inf, -1.0, 1e30, 0.0)
FIRST = {case.type: case for cases in beside_tests("CASES") for case in reversed(cases)}
REGIONS = np.array([[0, 2, 3, 20, 31], [0, 18, 11, 40, 33], [0, 5, 4, 3, 2.0]])
SCORES, CODES = np.linspace(0, 1, 240).reshape(1, 8, 5, 6), np.zeros((1, 16, 5, 6))
PYTHON = {
    "proposal": (layer("proposal_layer", "ProposalLayer", SETTINGS), [SCORES, CODES, INFO], 2),
    "anchor_target": (
        layer("anchor_target_layer", "AnchorTargetLayer", SETTINGS),
        [SCORES, OBJECTS, INFO],
        4,
    ),
    "proposal_target": (
        layer("proposal_target_layer", "ProposalTargetLayer", {"num_classes": 3}),
        [REGIONS, OBJECTS],
        5,
    ),
}
LIES = ("0", "-1", "1e300", "nan", "abc", "[]", "[0]", "[1, a]", "null", "9999999999999999999")


def run(prototxt, bottoms, **options):
    """Run the layer; an error that is not the package's own, or not one line, fails the test."""
    try:
        made = make_layer(prototxt, bottoms, ops=get_ops(dtype="float32"), **options)
        made.forward()
        made.backward()
    except CaffeError as error:
        assert "\n" not in str(error)


def spoilt(bottoms):
    """Copies of the bottoms, in each of which one has a bad value everywhere, or here and there."""
    for i, step, value in np.ndindex(len(bottoms), 2, len(VALUES)):
        copies = [np.array(bottom, float) for bottom in bottoms]
        copies[i].reshape(-1)[:: 1 + 2 * step] = VALUES[value]
        yield copies


@pytest.mark.parametrize("kind", sorted(FIRST))
def test_no_value_breaks_a_layer(kind):
    case = FIRST[kind]
    for bottoms in spoilt(case.bottoms):
        run(case.prototxt, bottoms, phase=case.phase, tops=max(case.tops, 1))


@pytest.mark.parametrize("name", sorted(PYTHON))
def test_no_value_breaks_a_python_layer(name):
    prototxt, inputs, tops = PYTHON[name]
    for bottoms in spoilt(inputs):
        run(prototxt, bottoms, tops=tops)
    for i, shape in enumerate(((0, 5), (3, 4), (1,), ())):
        bottoms = list(inputs)
        bottoms[i % len(inputs)] = np.zeros(shape)
        run(prototxt, bottoms, tops=tops)


@pytest.mark.parametrize("value", LIES)
@pytest.mark.parametrize(
    "key", ["feat_stride", "scales", "ratios", "RPN_MIN_SIZE", "RPN_NMS_THRESH", "RPN_BATCHSIZE"]
)
def test_no_setting_breaks_the_anchors(key, value):
    settings = {**SETTINGS, key: value}
    for name, kind in (
        ("proposal_layer", "ProposalLayer"),
        ("anchor_target_layer", "AnchorTargetLayer"),
    ):
        _, inputs, tops = PYTHON[name.removesuffix("_layer")]
        run(layer(name, kind, settings), inputs, tops=tops)


@pytest.mark.parametrize("value", LIES)
@pytest.mark.parametrize("key", ["num_classes", "BATCH_SIZE", "FG_FRACTION", "BBOX_NORMALIZE_STDS"])
def test_no_setting_breaks_the_targets(key, value):
    _, inputs, tops = PYTHON["proposal_target"]
    settings = {"num_classes": 3, key: value}
    run(layer("proposal_target_layer", "ProposalTargetLayer", settings), inputs, tops=tops)


def test_a_fault_is_found(monkeypatch):
    """The tests above can fail."""
    from caffe_lite.forks.mobile.relu6 import ReLU6

    monkeypatch.setattr(ReLU6, "forward", lambda *_: {}["missing"])
    with pytest.raises(KeyError):
        run('type: "ReLU6"', [np.ones((2, 3))])
