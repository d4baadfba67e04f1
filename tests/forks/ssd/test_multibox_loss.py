import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.forks.ssd.multibox_by_loop import given, loss
from tests.layer_case import Case
from tests.layers.helpers import fails, untouched

CLASSES = 4
LAYER = 'type: "MultiBoxLoss" multibox_loss_param {{ num_classes: {} {} }} {}'

CASES = [
    Case(
        "MultiBoxLoss",
        f"multibox_loss_param {{ num_classes: {CLASSES} code_type: CENTER_SIZE loc_weight: 2 }}",
        tuple(given(CLASSES)),
        batched=(0, 1),
    ),
    Case(
        "MultiBoxLoss",
        f"multibox_loss_param {{ num_classes: {CLASSES} conf_loss_type: LOGISTIC "
        "share_location: false mining_type: NONE loc_loss_type: L2 }",
        tuple(given(CLASSES, shared=False)),
        batched=(0, 1),
    ),
]
SAMPLES = {
    "MultiBoxLoss": (
        np.full((2, 12), 0.1),
        np.full((2, 63), 0.2),
        np.array([[[0, 0, 0.5, 0.5, 0.5, 0, 1, 0.5, 0.2, 0.2, 0.9, 0.9], [0.1] * 12]]),
        np.array([[[[0.0, 3, 0, 0.1, 0, 0.5, 0.6, 0]]]]),
    )
}

# prototxt, options of the loop
VARIANTS = [
    ("", {}),
    ("code_type: CENTER_SIZE", {"code": "CENTER_SIZE"}),
    ("code_type: CORNER_SIZE", {"code": "CORNER_SIZE"}),
    ("loc_loss_type: L2 loc_weight: 0.5", {"smooth": False, "weight": 0.5}),
    ("match_type: BIPARTITE", {"per_prediction": False}),
    ("overlap_threshold: 0.2 neg_overlap: 0.2", {"threshold": 0.2, "least_overlap": 0.2}),
    ("neg_pos_ratio: 1.4", {"ratio": 1.4}),
    ("use_difficult_gt: false", {"difficult": False}),
    ("use_prior_for_matching: false", {"by_prior": False}),
    ("use_prior_for_matching: false code_type: CENTER_SIZE",
     {"by_prior": False, "code": "CENTER_SIZE"}),
    ("encode_variance_in_target: true", {"in_target": True}),
    ("encode_variance_in_target: true code_type: CENTER_SIZE loc_loss_type: L2",
     {"in_target": True, "code": "CENTER_SIZE", "smooth": False}),
    ("ignore_cross_boundary_bbox: true", {"no_crossing": True}),
    ("bp_inside: true", {"inside": True}),
    ("bp_inside: true use_prior_for_matching: false", {"inside": True, "by_prior": False}),
    ("mining_type: NONE", {"mining": "NONE"}),
    ("mining_type: NONE ignore_cross_boundary_bbox: true",
     {"mining": "NONE", "no_crossing": True}),
    ("mining_type: HARD_EXAMPLE sample_size: 14", {"mining": "HARD_EXAMPLE", "sample": 14}),
    ("mining_type: HARD_EXAMPLE sample_size: 14 ignore_cross_boundary_bbox: true",
     {"mining": "HARD_EXAMPLE", "sample": 14, "no_crossing": True}),
    ("nms_param { nms_threshold: 0.3 } neg_pos_ratio: 9", {"nms": 0.3, "ratio": 9}),
    ("nms_param { nms_threshold: 0.2 } use_prior_for_nms: true neg_pos_ratio: 9",
     {"nms": 0.2, "nms_by_prior": True, "ratio": 9}),
    ("mining_type: HARD_EXAMPLE sample_size: 16 nms_param { nms_threshold: 0.3 }",
     {"mining": "HARD_EXAMPLE", "sample": 16, "nms": 0.3}),
    ("conf_loss_type: LOGISTIC", {"softmax": False}),
    ("conf_loss_type: LOGISTIC mining_type: NONE", {"softmax": False, "mining": "NONE"}),
    ("conf_loss_type: LOGISTIC mining_type: HARD_EXAMPLE sample_size: 14",
     {"softmax": False, "mining": "HARD_EXAMPLE", "sample": 14}),
    ("share_location: false mining_type: NONE", {"shared": False, "mining": "NONE"}),
    ("share_location: false mining_type: NONE use_prior_for_matching: false",
     {"shared": False, "mining": "NONE", "by_prior": False}),
]  # fmt: skip


@pytest.mark.parametrize("text, options", VARIANTS, ids=[text or "default" for text, _ in VARIANTS])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_loss_is_that_of_the_loop(text, options, seed):
    bottoms = given(CLASSES, options.get("shared", True), seed=seed)
    (value,) = make_layer(LAYER.format(CLASSES, text, ""), bottoms).forward()
    expected, positives, negatives = loss(*bottoms, CLASSES, **options)
    assert positives > 1
    assert negatives > 1 or options.get("mining") == "NONE"
    np.testing.assert_allclose(value, expected, rtol=1e-6)


@pytest.mark.parametrize("text, options", VARIANTS, ids=[text or "default" for text, _ in VARIANTS])
def test_gradients(text, options):
    bottoms = given(CLASSES, options.get("shared", True), seed=2)
    check_layer(LAYER.format(CLASSES, text, "loss_weight: 0.7"), bottoms)


@pytest.mark.parametrize("mode", ["VALID", "FULL", "BATCH_SIZE", "NONE"])
def test_normalization(mode):
    bottoms = given(CLASSES)
    text = LAYER.format(CLASSES, "", f"loss_param {{ normalization: {mode} }}")
    (value,) = make_layer(text, bottoms).forward()
    np.testing.assert_allclose(value, loss(*bottoms, CLASSES, normalization=mode)[0], rtol=1e-9)
    check_layer(text, bottoms)


def test_another_background():
    bottoms = given(CLASSES)
    bottoms[3][..., 1] = 2 - (bottoms[3][..., 1] == 2)  # labels 1 and 2, the background is 3
    (value,) = make_layer(LAYER.format(CLASSES, "background_label_id: 3", ""), bottoms).forward()
    np.testing.assert_allclose(value, loss(*bottoms, CLASSES, background=3)[0], rtol=1e-9)


def test_all_objects_as_one_class():
    location, _, priors, truth = given(CLASSES)
    bottoms = [location, np.random.default_rng(3).normal(size=(3, 48)), priors, truth]
    text = LAYER.format(2, "map_object_to_agnostic: true mining_type: HARD_EXAMPLE", "")
    (value,) = make_layer(text, bottoms).forward()
    expected, *_ = loss(*bottoms, 2, agnostic=True, mining="HARD_EXAMPLE")
    np.testing.assert_allclose(value, expected, rtol=1e-9)


def test_a_batch_of_one():
    bottoms = given(CLASSES)
    bottoms = [bottoms[0][:1], bottoms[1][:1], bottoms[2], bottoms[3][:, :, :3]]
    assert (bottoms[3][0, 0, :, 0] == [-1, 0, 0]).all()
    (value,) = make_layer(LAYER.format(CLASSES, "", ""), bottoms).forward()
    np.testing.assert_allclose(value, loss(*bottoms, CLASSES)[0], rtol=1e-9)
    check_layer(LAYER.format(CLASSES, "", ""), bottoms)


def test_a_term_that_is_not_propagated_does_not_count():
    bottoms = given(CLASSES)
    whole, location, confidence = (
        make_layer(
            LAYER.format(CLASSES, "", " ".join(f"propagate_down: {flag}" for flag in flags)),
            bottoms,
        ).forward()[0]
        for flags in (
            ("true", "true", "false", "false"),
            ("true", "false", "false", "false"),
            ("false", "true", "false", "false"),
        )
    )
    assert location > 0.1 and confidence > 0.1
    np.testing.assert_allclose(location + confidence, whole, rtol=1e-12)


def test_no_ground_truth_gives_no_loss_with_mining():
    bottoms = given(CLASSES)
    bottoms[3] = np.full((1, 1, 1, 8), -1.0)
    run = make_layer(LAYER.format(CLASSES, "", ""), bottoms)
    assert run.forward()[0] == 0
    diffs, _ = run.backward(propagate_down=[True, True, False, False])
    assert (diffs[0] == 0).all() and (diffs[1] == 0).all()


def test_boxes_without_area_or_outside_the_image_are_no_matches():
    bottoms = given(CLASSES)
    expected = loss(*bottoms, CLASSES)[0]
    odd = [
        [0, 1, 0, 0.5, 0.5, 0.5, 0.7, 0],
        [0, 1, 0, 0.7, 0.5, 0.5, 0.7, 0],
        [0, 1, 0, 3.0, 3.0, 4.0, 4.0, 0],
        [0, 1, 0, np.nan, 0.1, 0.4, 0.4, 0],
    ]
    bottoms[3] = np.concatenate([bottoms[3], [[odd]]], axis=2)
    (value,) = make_layer(LAYER.format(CLASSES, "code_type: CORNER", ""), bottoms).forward()
    np.testing.assert_allclose(value, expected, rtol=1e-9)


def test_without_propagate_down_the_gradients_stay():
    untouched(make_layer(LAYER.format(CLASSES, "", ""), given(CLASSES)), [1.0])


def test_priors_get_a_gradient_of_zero():
    run = make_layer(LAYER.format(CLASSES, "", ""), given(CLASSES))
    run.forward()
    diffs, _ = run.backward(propagate_down=[True, True, True, False])
    assert (diffs[2] == 0).all()


def test_errors():
    bottoms = given(CLASSES)
    location, confidence, priors, truth = bottoms
    fails('type: "MultiBoxLoss"', bottoms, "needs num_classes")

    def wrong(text, *parts, of=bottoms, classes=CLASSES):
        fails(LAYER.format(classes, text, ""), of, *parts)

    wrong("share_location: false", "goes with mining_type: NONE only")
    wrong("background_label_id: 4", "must be below num_classes (4)", "got 4")
    wrong("do_neg_mining: false", "must say the same as mining_type")
    wrong("map_object_to_agnostic: true", "needs num_classes: 2, got 4")
    wrong("sample_size: 0", "sample_size must be at least 1, got 0")
    wrong("", "needs 5 numbers in confidence", "24 priors", classes=5)
    wrong("", "shape (1, 2, 4 * priors)", of=[location, confidence, priors[:, 0], truth])
    wrong("", "shape (1, 1, boxes, 8)", of=[location, confidence, priors, truth[..., :7]])
    for label, image, parts in (
        (0, 0, ["a label from 0 to 3 other than the background (0), got 0"]),
        (4, 0, ["a label from 0 to 3", "got 4"]),
        (1, 3, ["an image of the batch, 0 to 2, or -1, got 3"]),
        (np.nan, 0, ["got nan"]),
    ):
        bad = truth.copy()
        bad[0, 0, 1, :2] = image, label
        wrong("", *parts, of=[location, confidence, priors, bad])


def test_a_gradient_for_the_ground_truth_is_refused():
    run = make_layer(LAYER.format(CLASSES, "", ""), given(CLASSES))
    run.forward()
    with pytest.raises(
        Exception, match=r"cannot backpropagate to the ground truth \(bottom\[3\]\)"
    ):
        run.backward(propagate_down=[True, True, False, True])
