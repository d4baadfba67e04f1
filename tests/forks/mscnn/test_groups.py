"""Cascade R-CNN's layers over groups of fields, against loops."""

import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails

RNG = np.random.default_rng(31)
SIZES = ((44, 22), (22, 44), (30, 30))  # width and height of the fields
STEP, IMAGES, H, W = 8, 2, 4, 5
ITEMS = IMAGES * len(SIZES)
FIELDS = " ".join(f"field_w: {w} field_h: {h}" for w, h in SIZES) + f" stride: {STEP}"
SCORES = RNG.normal(size=(ITEMS, 3, H, W))
CODES = RNG.normal(0, 0.6, size=(ITEMS, 4, H, W))
PROB = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)
LABEL = np.zeros((ITEMS, 6, H, W))
LABEL[:, 0] = RNG.integers(0, 3, (ITEMS, H, W)) * (RNG.uniform(size=(ITEMS, H, W)) < 0.5)
LABEL[:, 1] = (np.arange(W) + 0.5) * STEP + RNG.normal(0, 4, (ITEMS, H, W))
LABEL[:, 2] = ((np.arange(H) + 0.5) * STEP)[:, None] + RNG.normal(0, 4, (ITEMS, H, W))
LABEL[:, 3:5] = RNG.uniform(15, 40, (ITEMS, 2, H, W))
LABEL[:, 5] = RNG.uniform(0.1, 0.9, (ITEMS, H, W))
REG = "bbox_mean: 0.05 bbox_mean: 0.1 bbox_mean: 0 bbox_mean: 0.2 "
REG = f"bbox_reg_param {{ {REG} bbox_std: 0.2 bbox_std: 0.3 bbox_std: 0.4 bbox_std: 0.5 }}"
MEAN, STD = np.array([0.05, 0.1, 0, 0.2]), np.array([0.2, 0.3, 0.4, 0.5])
LOSS = 'type: "DetectionGroupLoss" detection_group_loss_param { cls_num: 3 lambda: 1.7 %s %%s } %%s'
LOSS %= FIELDS
OUTPUT = f"""type: "BoxGroupOutput" box_group_output_param {{ box_group_param {{ {FIELDS} }}
             field_whr: 3 field_xyr: 2 %s }} {REG}"""
ACCURACY = f"cls_num: 3 {FIELDS} field_xyr: 2"

CASES = [
    Case(
        "DetectionGroupLoss",
        f"detection_group_loss_param {{ cls_num: 3 {FIELDS} bg_multiple: 99 }}",
        (SCORES[:3], CODES[:3], LABEL[:3]),
        batched=(),
        gradient=False,
        own_gradient="only the first of the top's two numbers takes a gradient",
        allocates="the loss of each cell, on the host",
    ),
    Case(
        "DetectionGroupAccuracy",
        f"detection_group_accuracy_param {{ {ACCURACY} }}",
        (SCORES[:3], CODES[:3], LABEL[:3]),
        batched=(),
        tops=2,
        gradient=False,
        allocates="the classes of all cells, on the host",
    ),
    Case(
        "BoxGroupOutput",
        f"box_group_output_param {{ box_group_param {{ {FIELDS} }} max_post_nms_num: 4 }}",
        (PROB[:3], CODES[:3]),
        batched=(),
        tops=2,
        gradient=False,
        allocates="the boxes of all cells, on the host",
    ),
]
SAMPLES = {
    "DetectionGroupLoss": (SCORES[:4, :2], CODES[:4], np.minimum(LABEL[:4], 30)),
    "DetectionGroupAccuracy": (SCORES[:4, :2], CODES[:4], LABEL[:4]),
    "BoxGroupOutput": (PROB[:4], CODES[:4]),
}


def cells():
    for item, h, w in np.ndindex(ITEMS, H, W):
        yield (item, h, w), SIZES[item % len(SIZES)], int(LABEL[item, 0, h, w])


def decoded(place, size, limit_offset, limit_size):
    item, h, w = place
    dx, dy, dw, dh = CODES[item, :, h, w] * STD + MEAN
    dx, dy = np.clip([dx, dy], -1 / limit_offset, 1 / limit_offset)
    dw, dh = np.clip([dw, dh], -np.log(limit_size), np.log(limit_size))
    width, height = size[0] * np.exp(dw), size[1] * np.exp(dh)
    x = dx * size[0] + (w + 0.5) * STEP - width / 2
    y = dy * size[1] + (h + 0.5) * STEP - height / 2
    return np.array([x, y, x + width - 1, y + height - 1])


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    shared = max(width, 0) * max(height, 0)
    area = [(each[2] - each[0] + 1) * (each[3] - each[1] + 1) for each in (a, b)]
    return shared / (sum(area) - shared)


def loss_by_loop(kept, smooth=True, limits=None, weighted=False):
    class_loss, code_loss, count, codes = 0.0, 0.0, 0, 0
    objects = sum(kept[place] and label > 0 for place, _, label in cells())
    all_kept = kept.sum()
    for place, size, label in cells():
        item, h, w = place
        if not kept[place]:
            continue
        weight = 1.0
        if weighted:
            weight = all_kept * (0.2 / objects if label else 0.8 / (all_kept - objects))
        class_loss -= weight * np.log(PROB[item, label, h, w])
        count += 1
        if label:
            x, y, width, height = LABEL[item, 1:5, h, w]
            target = np.array(
                [
                    (x - (w + 0.5) * STEP) / size[0],
                    (y - (h + 0.5) * STEP) / size[1],
                    np.log(width / size[0]),
                    np.log(height / size[1]),
                ]
            )
            mine = CODES[item, :, h, w]
            if limits:
                largest = np.array([1 / limits[1]] * 2 + [np.log(limits[0])] * 2)
                mean = np.array([MEAN[:2].mean()] * 2 + [MEAN[2:].mean()] * 2)
                std = np.sqrt([STD[:2].prod()] * 2 + [STD[2:].prod()] * 2)
                mine = np.clip(mine, (-largest - mean) / std, (largest - mean) / std)
            d = mine - (target - MEAN) / STD
            squares = (abs(d) < 1) | (not smooth)
            code_loss += np.where(squares, d * d / 2, abs(d) - 0.5).sum()
            codes += 4
    return class_loss / count + 1.7 * code_loss / codes, 1.7 * code_loss / codes


POSITIVE = LABEL[:, 0] > 0
FAR = (LABEL[:, 0] == 0) & (LABEL[:, 5] < 0.5)


@pytest.mark.parametrize("kind", ["Smooth_L1", "Euclidean_L2"])
@pytest.mark.parametrize("limits", [None, (1.5, 2)])
def test_loss_where_all_candidates_count(kind, limits):
    text = f"bg_multiple: 99 bbox_loss_type: '{kind}'"
    if limits:
        text += f" field_whr: {limits[0]} field_xyr: {limits[1]}"
    run = make_layer(LOSS % (text, REG), [SCORES, CODES, LABEL])
    expected = loss_by_loop(POSITIVE | FAR, kind == "Smooth_L1", limits)
    np.testing.assert_allclose(run.forward()[0].ravel(), expected, rtol=1e-6)


def test_gradients_are_those_of_the_first_number():
    text = LOSS % ("bg_multiple: 99", REG)
    run = make_layer(text, [SCORES, CODES, LABEL])
    run.forward()
    got, _ = run.backward([np.array([[[[0.7, 9.0]]]])], [True, True, False])
    for which, blob in enumerate((SCORES, CODES)):
        for place in ((0, 1, 2, 3), (4, 2, 1, 0), (5, 0, 3, 4), (2, 1, 0, 2)):
            numbers = []
            for step in (1e-5, -1e-5):
                moved = [SCORES.copy(), CODES.copy(), LABEL]
                moved[which][place] += step
                numbers.append(make_layer(text, moved).forward()[0].ravel()[0])
            slope = 0.7 * (numbers[0] - numbers[1]) / 2e-5
            np.testing.assert_allclose(got[which][place], slope, rtol=1e-5, atol=1e-9)
        assert got[which].shape == blob.shape


def kept_by(text):
    """The cells whose scores take a gradient."""
    run = make_layer(LOSS % (text, ""), [SCORES, CODES, LABEL])
    run.forward()
    (dscores, *_), _ = run.backward([np.array([[[[1.0, 0.0]]]])], [True, False, False])
    return abs(dscores).sum(axis=1) > 0


@pytest.mark.parametrize("mode", ["random", "bootstrap", "mixture"])
@pytest.mark.parametrize("ranking", ["conf_loss", "conf_prob"])
def test_samples(mode, ranking):
    chosen = kept_by(
        f"batch_size: 16 bg_multiple: 3 neg_mining_type: '{mode}' neg_ranking_type: '{ranking}'"
    )
    for image in range(IMAGES):
        part = slice(image * 3, image * 3 + 3)
        objects, others = chosen[part] & POSITIVE[part], chosen[part] & FAR[part]
        assert (objects.sum(), others.sum()) == (4, 12)
        assert chosen[part].sum() == 16
        hardest = np.sort(PROB[part, 0][FAR[part]])[: {"bootstrap": 12, "mixture": 6}.get(mode, 0)]
        assert np.isin(hardest, PROB[part, 0][others]).all()


def test_all_objects_count_without_a_batch_size():
    chosen = kept_by("bg_multiple: 1 min_num_neg: 2")
    assert chosen[POSITIVE].all()
    for image in range(IMAGES):
        part = slice(image * 3, image * 3 + 3)
        expected = min(POSITIVE[part].sum(), FAR[part].sum())
        assert (chosen & FAR)[part].sum() == expected


def test_weights():
    run = make_layer(
        LOSS % ("bg_multiple: 4 pos_neg_weighted: true min_num_neg: 99", REG),
        [SCORES, CODES, LABEL],
    )
    expected = loss_by_loop(POSITIVE | FAR, weighted=True)
    np.testing.assert_allclose(run.forward()[0].ravel(), expected, rtol=1e-6)


def test_accuracy():
    text = f'type: "DetectionGroupAccuracy" detection_group_accuracy_param {{ {ACCURACY} }} {REG}'
    shares, fit = make_layer(text, [SCORES, CODES, LABEL], tops=2).forward()
    right = SCORES.argmax(axis=1) == LABEL[:, 0]
    counted = POSITIVE | FAR
    np.testing.assert_allclose(shares.ravel(), [right[counted].mean(), right[POSITIVE].mean()])
    overlaps = []
    for place, size, label in cells():
        if label:
            x, y, width, height = LABEL[place[0], 1:5, place[1], place[2]]
            x, y = x - width / 2, y - height / 2
            truth = np.array([x, y, x + width - 1, y + height - 1])
            overlaps.append(overlap(decoded(place, size, 2, 2), truth))
    np.testing.assert_allclose(fit.ravel(), [np.mean(overlaps)], rtol=1e-6)


@pytest.mark.parametrize("most", [0, 5])
def test_proposals(most):
    text = OUTPUT % f"fg_thr: 0.6 iou_thr: 0.4 min_size: 12 max_post_nms_num: {most}"
    regions, boxes = make_layer(text, [PROB, CODES], tops=2).forward()
    expected = []
    for image in range(IMAGES):
        found = []
        for (item, h, w), size, _ in cells():
            score = 1 - PROB[item, 0, h, w]
            if item // 3 == image and score >= 0.6:
                box = decoded((item, h, w), size, 2, 3)
                box = [max(box[0], 0), max(box[1], 0), min(box[2], W * STEP), min(box[3], H * STEP)]
                if box[2] - box[0] + 1 >= 12 and box[3] - box[1] + 1 >= 12:
                    found.append((score, box))
        kept = []
        for score, box in sorted(found, key=lambda each: -each[0]):
            if all(overlap(box, other) <= 0.4 for _, other in kept):
                kept.append((score, box))
        expected += [[image, *box, score] for score, box in kept[: most or None]]
    assert len(expected) > 6
    np.testing.assert_allclose(boxes[:, :, 0, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(regions[:, :, 0, 0], np.array(expected)[:, :5], rtol=1e-6)


def test_errors():
    three = [SCORES, CODES, LABEL]
    fails(LOSS.replace("cls_num: 3", "cls_num: 1") % ("", ""), three, "cls_num of at least 2")
    fails(LOSS % ("objectness: true", ""), three, "exactly 2 with objectness, got 3")
    fails(LOSS % ("field_h: 3", ""), three, "equally often")
    fails(LOSS % ("", ""), [SCORES, CODES, LABEL[:, :5]], "in bottom[2]")
    fails(LOSS % ("", ""), [each[:4] for each in three], "3 fields need as many items")
    fails(LOSS % ("batch_size: 0", ""), three, "batch_size must be")
    fails(LOSS % ("neg_mining_type: 'all'", ""), three, "neg_mining_type must be")
    fails(LOSS % ("neg_ranking_type: 'all'", ""), three, "neg_ranking_type must be")
    fails(LOSS % ("bbox_loss_type: 'L1'", ""), three, "bbox_loss_type must be")
    bad = LABEL.copy()
    bad[0, 0, 0, 0] = 3
    with pytest.raises(Exception, match="labels must be integers from 0 to 2, got 3"):
        make_layer(LOSS % ("", ""), [SCORES, CODES, bad]).forward()
    fails(OUTPUT % "nms_type: 'x'", [PROB, CODES], "nms_type must be")
    fails(OUTPUT % "box_group_param { }", [PROB, CODES], "two bottoms for each")
    fails(OUTPUT % "", [PROB, CODES[:, :3]], "probabilities (N G, C, H, W)")
