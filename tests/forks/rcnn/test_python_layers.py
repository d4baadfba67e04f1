"""Faster R-CNN's Python layers, by the names that its nets give, against loops."""

import sys

import numpy as np
import pytest

from caffe_lite.errors import CaffeError
from caffe_lite.forks.boxes.anchors import base_anchors, over_grid
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.testing import make_layer
from tests.layers.helpers import fails, normal

STRIDE = 8


def layer(module, name, settings):
    lines = "\\n".join(f"'{key}': {value}" for key, value in settings.items())
    return f"""type: "Python" python_param {{ module: "rpn.{module}" layer: "{name}"
               param_str: "{lines}" }}"""


def iou(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    areas = [(c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b)]
    return width * height / (sum(areas) - width * height)


def code(box, prior):
    size, own = [np.array([b[2] - b[0] + 1, b[3] - b[1] + 1]) for b in (prior, box)]
    offset = (np.array(box[:2]) + own / 2 - np.array(prior[:2]) - size / 2) / size
    return np.concatenate([offset, np.log(own / size)])


SETTINGS = {"feat_stride": STRIDE, "scales": "[1, 2]", "ratios": "[0.5, 1]"}
ANCHORS = over_grid(np, base_anchors(np, 16, (0.5, 1), (1, 2)), 5, 6, STRIDE)
OBJECTS = np.array([[2, 3, 20, 30, 1], [18, 12, 41, 33, 2], [60, 60, 70, 70, 1.0]])
INFO = np.array([[40, 48, 1.0]])


def test_proposal_layer_is_the_proposal_layer():
    scores, codes = np.random.default_rng(2).uniform(0, 1, (1, 8, 5, 6)), 0.3 * normal(1, 16, 5, 6)
    settings = {**SETTINGS, "RPN_MIN_SIZE": 5, "RPN_POST_NMS_TOP_N": 12}
    mine = make_layer(
        layer("proposal_layer", "ProposalLayer", settings), [scores, codes, INFO], tops=2
    )
    param = "ratio: 0.5 ratio: 1 scale: 1 scale: 2 feat_stride: 8 min_size: 5 post_nms_topn: 12"
    other = make_layer(f'type: "Proposal" proposal_param {{ {param} }}', [scores, codes, INFO])
    rois, best = mine.forward()
    np.testing.assert_allclose(rois, other.forward()[0], atol=1e-9)
    assert rois.shape == (12, 5) and best.shape == (12, 1) and (np.diff(best[:, 0]) <= 0).all()


def test_small_proposals_are_dropped_not_zeroed():
    settings = {**SETTINGS, "RPN_MIN_SIZE": 1000}
    inputs = [np.ones((1, 8, 5, 6)), np.zeros((1, 16, 5, 6)), INFO]
    (rois,) = make_layer(
        layer("proposal_layer", "ProposalLayer", settings), inputs, tops=1
    ).forward()
    np.testing.assert_array_equal(rois, [[0, 0, 0, 47, 39]])


def targets(objects, tops=4, **settings):
    made = layer("anchor_target_layer", "AnchorTargetLayer", {**SETTINGS, **settings})
    inputs = [np.zeros((1, 8, 5, 6)), objects, INFO]
    labels, *rest = make_layer(made, inputs, tops=tops).forward()
    rows = labels.reshape(4, 5, 6).transpose(1, 2, 0).reshape(-1)
    return rows, [x.reshape(16, 5, 6).transpose(1, 2, 0).reshape(-1, 4) for x in rest]


@pytest.mark.parametrize("clobber", [False, True])
def test_anchor_targets(clobber):
    labels, (codes, inside, outside) = targets(
        OBJECTS,
        RPN_POSITIVE_OVERLAP=0.5,
        RPN_NEGATIVE_OVERLAP=0.35,
        RPN_CLOBBER_POSITIVES=clobber,
        RPN_BATCHSIZE=1000,
    )
    in_image = [a[0] >= 0 and a[1] >= 0 and a[2] < 48 and a[3] < 40 for a in ANCHORS]
    overlaps = (
        np.array([[iou(a, o) for o in OBJECTS] for a in ANCHORS]) * np.array(in_image)[:, None]
    )
    best = overlaps.max(axis=0)
    for i, anchor in enumerate(ANCHORS):
        largest = overlaps[i].max()
        expected = -1
        if in_image[i]:
            expected = 0 if largest < 0.35 else -1
            nearest = ((overlaps[i] == best) & (best > 0)).any()
            if largest >= 0.5 or (nearest and not (clobber and largest < 0.35)):
                expected = 1
            np.testing.assert_allclose(
                codes[i], code(OBJECTS[overlaps[i].argmax()], anchor), atol=1e-6
            )
        else:
            assert (codes[i] == 0).all()
        assert labels[i] == expected, i
    assert (labels == 1).sum() >= 2 and (labels == 0).any()
    np.testing.assert_array_equal(inside, np.repeat(labels == 1, 4).reshape(-1, 4))
    np.testing.assert_allclose(
        outside, (labels >= 0)[:, None] / (labels >= 0).sum() * np.ones(4), rtol=1e-6
    )


def test_anchors_are_sampled_and_weighted():
    labels, (_, _, outside) = targets(
        OBJECTS,
        RPN_POSITIVE_OVERLAP=0.2,
        RPN_BATCHSIZE=10,
        RPN_FG_FRACTION=0.4,
        RPN_POSITIVE_WEIGHT=0.2,
    )
    assert (labels == 1).sum() == 4 and (labels == 0).sum() == 6
    np.testing.assert_allclose(outside[labels == 1], 0.2 / 4, rtol=1e-6)
    np.testing.assert_allclose(outside[labels == 0], 0.8 / 6, rtol=1e-6)


def test_an_image_whose_objects_overlap_nothing_has_negatives_alone():
    labels, (_, inside, _) = targets(OBJECTS[2:], RPN_BATCHSIZE=1000)
    assert set(labels) == {-1, 0} and not inside.any()


def proposal_targets(rois, objects, tops=5, **settings):
    made = layer("proposal_target_layer", "ProposalTargetLayer", {"num_classes": 3, **settings})
    return make_layer(made, [rois, objects], tops=tops, seed=3).forward()


ROIS = np.array(
    [
        (0, 3, 3, 21, 31),
        (0, 2, 3, 20, 30),
        (0, 17, 12, 40, 35),
        (0, 0, 0, 12, 9),
        (0, 70, 0, 80, 9),
    ],
    float,
)


def test_proposal_targets():
    rois, labels, codes, inside, outside = proposal_targets(
        ROIS, OBJECTS, BATCH_SIZE=40, FG_FRACTION=0.5
    )
    candidates = np.concatenate([ROIS[:, 1:], OBJECTS[:, :4]])
    for row, label, own, weights in zip(rois, labels, codes, inside, strict=True):
        overlaps = [iou(row[1:], each) for each in OBJECTS]
        nearest = OBJECTS[int(np.argmax(overlaps))]
        assert label == (nearest[4] if max(overlaps) >= 0.5 else 0)
        expected = np.zeros(12)
        if label:
            start = 4 * int(label)
            expected[start : start + 4] = code(nearest, row[1:]) / [0.1, 0.1, 0.2, 0.2]
        np.testing.assert_allclose(own, expected, atol=1e-5)
        assert weights.sum() == (4 if label else 0)
    assert len(rois) == len(candidates) and (labels > 0).sum() == 6
    assert (labels[:6] > 0).all()
    np.testing.assert_array_equal(outside, inside)


def test_proposal_targets_are_sampled():
    _, labels, codes, *_ = proposal_targets(
        ROIS,
        OBJECTS,
        BATCH_SIZE=5,
        FG_FRACTION=0.6,
        AGNOSTIC=True,
        BBOX_NORMALIZE_TARGETS_PRECOMPUTED=False,
    )
    assert (labels > 0).sum() == 3 and len(labels) == 5 and codes.shape == (5, 8)
    assert not codes[:, :4].any()
    *_, labels = proposal_targets(ROIS[3:4], OBJECTS[:0])[:2]
    assert labels == [0]


def test_attributes():
    objects = np.column_stack([OBJECTS, [4, 0, 2], [1, 0, 0]])
    made = {"num_attr_classes": 4, "ignore_label": -1}
    *_, labels, _, _, _, attributes = proposal_targets(ROIS, objects, tops=6, **made)
    kinds = {tuple(row) for row in attributes}
    assert kinds == {(1, 0, 0, 1), (0, 0, 0, 0), (0, 1, 0, 0), (-1, -1, -1, -1)}
    *_, first = proposal_targets(ROIS, objects, tops=6, use_attr_labels=True, **made)
    assert set(first) == {4, -1, 2} and (first[labels == 0] == -1).all()


def test_wrong_inputs_are_one_line():
    anchor = layer("anchor_target_layer", "AnchorTargetLayer", SETTINGS)
    target = layer("proposal_target_layer", "ProposalTargetLayer", {"num_classes": 3})
    scores = np.zeros((1, 8, 5, 6))
    many = np.concatenate([scores, scores])
    fails(anchor, [many, OBJECTS, INFO], "batches of one image, got 2", tops=4)
    turned = OBJECTS[:, [2, 1, 0, 3, 4]]
    fails(anchor, [scores, turned, INFO], "corners x1 <= x2", "20.0, 3.0, 2.0, 30.0", tops=4)
    fails(target, [ROIS, turned], "corners x1 <= x2", tops=5)
    fails(
        target, [ROIS, OBJECTS + [0, 0, 0, 0, 1]], "classes of objects must be from 1 to 2", tops=5
    )
    fails(target, [ROIS + [1, 0, 0, 0, 0], OBJECTS], "a region of 1", tops=5)
    fails(target, [ROIS, OBJECTS[:, :4]], "at least 5 columns, got 4", tops=5)
    fails(target, [ROIS, OBJECTS], "five tops", "got 4", tops=4)
    lying = layer("proposal_layer", "ProposalLayer", {"feat_stride": "wide"})
    fails(lying, [scores, scores, INFO], "feat_stride must be a whole number", tops=1)
    few = layer("proposal_layer", "ProposalLayer", {"feat_stride": 16})
    fails(few, [scores, scores, INFO], "9 anchors need 18 scores and 36 codes", tops=1)


def test_sampling_resumes():
    made = layer(
        "proposal_target_layer", "ProposalTargetLayer", {"num_classes": 3, "BATCH_SIZE": 3}
    )
    run = make_layer(made, [ROIS, OBJECTS], tops=5)
    run.forward()
    state = run.layer.get_state()
    expected = [run.forward()[0] for _ in range(3)]
    other = make_layer(made, [ROIS, OBJECTS], tops=5, seed=9)
    other.layer.set_state(state)
    for rois in expected:
        np.testing.assert_array_equal(other.forward()[0], rois)


def test_a_user_module_comes_first(tmp_path, monkeypatch):
    (tmp_path / "rpn").mkdir()
    (tmp_path / "rpn/__init__.py").write_text("")
    (tmp_path / "rpn/proposal_layer.py").write_text(
        "import caffe\nclass ProposalLayer(caffe.Layer):\n"
        "    def setup(self, bottom, top): raise ValueError('mine')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    written = layer("proposal_layer", "ProposalLayer", SETTINGS)
    with pytest.raises(CaffeError, match="mine"):
        make_layer(written, [np.zeros((1, 8, 5, 6)), np.zeros((1, 16, 5, 6)), INFO])
    for name in ("rpn", "rpn.proposal_layer"):
        sys.modules.pop(name, None)


def test_a_net_runs_with_them():
    net = text.parse(
        """layer { name: "in" type: "DummyData" top: "prob" top: "pred" top: "info"
             dummy_data_param { shape { dim: 1 dim: 18 dim: 3 dim: 4 }
               shape { dim: 1 dim: 36 dim: 3 dim: 4 } shape { dim: 1 dim: 3 }
               data_filler { type: "uniform" } data_filler { type: "gaussian" std: 0.1 }
               data_filler { type: "constant" value: 64 } } }
        layer { name: "rois" type: "Python" bottom: "prob" bottom: "pred" bottom: "info" top: "rois"
             python_param { module: "rpn.proposal_layer" layer: "ProposalLayer"
                            param_str: "'feat_stride': 16\\nRPN_MIN_SIZE: 0" } }
        layer { name: "pool" type: "ROIPooling" bottom: "prob" bottom: "rois" top: "pool"
             roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0.0625 } }""",
        schema.NetParameter,
    )
    with Net(net, seed=1) as made:
        made.forward()
        rois = made.blobs["rois"].shape[0]
        assert rois > 1 and made.blobs["pool"].shape == (rois, 18, 2, 2)
