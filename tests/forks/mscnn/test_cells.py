"""DetectionLoss and DetectionAccuracy, against loops."""

import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails, untouched

RNG = np.random.default_rng(21)
SHAPE = (2, 4, 5)  # images, height, width
FIELD = "field_h: 30 field_w: 24 downsample_rate: 8"
REG = " ".join(["bbox_mean: 0.05"] * 4 + ["bbox_std: 0.2"] * 2 + ["bbox_std: 0.4"] * 2)
REG = f"bbox_reg_param {{ {REG} }}"
MEAN, STD = np.full(4, 0.05), np.array([0.2, 0.2, 0.4, 0.4])
MAP = RNG.normal(size=(2, 7, 4, 5))
LABEL = np.zeros((2, 6, 4, 5))
LABEL[:, 0] = RNG.integers(0, 3, SHAPE) * (RNG.uniform(size=SHAPE) < 0.5)
LABEL[:, 1] = (np.arange(5) + 0.5) * 8 + RNG.normal(0, 4, SHAPE)
LABEL[:, 2] = ((np.arange(4) + 0.5) * 8)[:, None] + RNG.normal(0, 4, SHAPE)
LABEL[:, 3:5] = RNG.uniform(15, 40, (2, 2, 4, 5))
LABEL[:, 5] = RNG.uniform(0.1, 0.9, SHAPE)
LOSS = f'type: "DetectionLoss" detection_loss_param {{ cls_num: 3 lambda: 1.7 {FIELD} %s }} %s'
ACCURACY = f'type: "DetectionAccuracy" detection_accuracy_param {{ cls_num: 3 {FIELD} %s }} %s'

CASES = [
    Case(
        "DetectionLoss",
        f"detection_loss_param {{ cls_num: 3 {FIELD} sample_mode: 'all' }}",
        (MAP, LABEL),
        gradient=False,
        own_gradient="only the first of the top's two numbers takes a gradient",
        allocates="the loss of each cell, on the host",
    ),
    Case(
        "DetectionAccuracy",
        f"detection_accuracy_param {{ cls_num: 3 {FIELD} }}",
        (MAP, LABEL),
        tops=2,
        gradient=False,
        allocates="the classes of all cells, on the host",
    ),
]
SAMPLES = {"DetectionLoss": (MAP, LABEL), "DetectionAccuracy": (MAP, LABEL)}


def cells():
    for image, h, w in np.ndindex(*SHAPE):
        yield (image, h, w), int(LABEL[image, 0, h, w]), LABEL[image, 1:, h, w]


def target(truth, h, w, mean=MEAN, std=STD):
    x, y, width, height, _ = truth
    codes = (
        (x - (w + 0.5) * 8) / 24,
        (y - (h + 0.5) * 8) / 30,
        np.log(width / 24),
        np.log(height / 30),
    )
    return (np.array(codes) - mean) / std


def loss_by_loop(chosen, smooth=True, weights=None):
    """The loss where `chosen` cells of the background count."""
    class_loss, code_loss, count, codes = 0.0, 0.0, 0, 0
    largest = np.array([0.5, 0.5, np.log(2), np.log(2)])
    for (image, h, w), label, truth in cells():
        if label == 0 and not chosen[image, h, w]:
            continue
        odds = np.exp(MAP[image, :3, h, w])
        weight = 1 if weights is None else weights[image, h, w]
        class_loss -= weight * np.log(odds[label] / odds.sum())
        count += 1
        if label:
            mine = np.clip(MAP[image, 3:, h, w], (-largest - MEAN) / STD, (largest - MEAN) / STD)
            d = mine - target(truth, h, w)
            squares = abs(d) < 1 if smooth else np.ones(4, bool)
            code_loss += np.where(squares, d * d / 2, abs(d) - 0.5).sum()
            codes += 4
    return class_loss / count + 1.7 * code_loss / codes, 1.7 * code_loss / codes


FAR = (LABEL[:, 0] == 0) & (LABEL[:, 5] < 0.5)


@pytest.mark.parametrize("smooth", [True, False])
def test_loss_over_all_cells(smooth):
    options = f"sample_mode: 'all' bb_smooth: {str(smooth).lower()}"
    (loss,) = make_layer(LOSS % (options, REG), [MAP, LABEL]).forward()
    assert loss.shape == (1, 1, 1, 2)
    np.testing.assert_allclose(loss.reshape(-1), loss_by_loop(FAR, smooth), rtol=1e-6)


def test_gradient_by_finite_differences():
    values = MAP.copy()
    values[:, 3:5] = np.clip(values[:, 3:5], -0.4, 0.4)  # within the limits, where it is exact
    values[:, 5:] = np.clip(values[:, 5:], -0.6, 0.6)
    run = make_layer(LOSS % ("sample_mode: 'all' iou_weighted: true", ""), [values, LABEL])
    run.forward()
    (dx, _), _ = run.backward([np.full((1, 1, 1, 2), 0.5)], [True, False])
    step = 1e-6
    for place in [tuple(each) for each in RNG.permutation(list(np.ndindex(values.shape)))[:60]]:
        ends = []
        for sign in (1, -1):
            run.bottom[0].data[...] = values
            run.bottom[0].data[place] += sign * step
            ends.append(run.forward()[0].reshape(-1)[0])
        np.testing.assert_allclose(dx[place], 0.5 * (ends[0] - ends[1]) / (2 * step), atol=1e-7)
    assert dx[:, :3].any() and dx[:, 3:].any()
    untouched(run, [np.ones((1, 1, 1, 2))])


def test_weights():
    positive = LABEL[:, 0] > 0
    weights = np.where(positive, LABEL[:, 5], 1)
    (loss,) = make_layer(
        LOSS % ("sample_mode: 'all' iou_weighted: true", REG), [MAP, LABEL]
    ).forward()
    np.testing.assert_allclose(loss.reshape(-1), loss_by_loop(FAR, weights=weights), rtol=1e-6)
    total = positive.sum() + FAR.sum()
    weights = np.where(positive, 0.2 * total / positive.sum(), 0.8 * total / FAR.sum())
    text = LOSS % ("sample_mode: 'all' pos_neg_weighted: true", REG)
    (loss,) = make_layer(text, [MAP, LABEL]).forward()
    np.testing.assert_allclose(loss.reshape(-1), loss_by_loop(FAR, weights=weights), rtol=1e-6)


def test_bootstrap_takes_the_best_scores():
    chosen = np.zeros(SHAPE, bool)
    for image in range(2):
        for kind in (1, 2):
            count = max(4, int((LABEL[image, 0] == kind).sum()))
            places = [p for p in np.ndindex(4, 5) if FAR[(image, *p)]]
            places.sort(key=lambda p: -MAP[(image, kind, *p)])
            for place in places[:count]:
                chosen[(image, *place)] = True
    assert (chosen != FAR).any()
    text = LOSS % ("sample_mode: 'bootstrap' bg_multiple: 1", REG)
    (loss,) = make_layer(text, [MAP, LABEL]).forward()
    np.testing.assert_allclose(loss.reshape(-1), loss_by_loop(chosen), rtol=1e-6)


@pytest.mark.parametrize("mode", ["random", "mixture"])
def test_random_cells_are_far_and_resume(mode):
    text = LOSS % (f"sample_mode: '{mode}' bg_multiple: 1", "")
    run, other = (make_layer(text, [MAP, LABEL], seed=seed) for seed in (1, 2))
    run.forward()
    other.layer.set_state(run.layer.get_state())
    losses = [run.forward()[0].reshape(-1)[0] for _ in range(5)]
    assert losses == [other.forward()[0].reshape(-1)[0] for _ in range(5)] and len(set(losses)) > 1
    (dx, _), _ = run.backward([np.ones((1, 1, 1, 2))], [True, False])
    touched = dx[:, :3].any(axis=1)
    background = touched & (LABEL[:, 0] == 0)
    assert background.any() and not (background & ~FAR).any()
    assert touched[LABEL[:, 0] > 0].all()


def test_one_class_of_objects_and_ignored_cells():
    values = np.delete(MAP, 2, axis=1)
    text = f"""type: "DetectionLoss" loss_param {{ ignore_label: 1 }} detection_loss_param {{
               cls_num: 2 objectness: true sample_mode: 'all' {FIELD} }}"""
    run = make_layer(text, [values, LABEL])
    (loss,) = run.forward()
    odds = np.exp(values[:, :2])
    expected = -np.log(odds[:, 0] / odds.sum(axis=1))[FAR].mean()
    np.testing.assert_allclose(loss.reshape(-1), [expected, 0], rtol=1e-6)


@pytest.mark.parametrize("top_k", [1, 2])
def test_accuracy(top_k):
    shares, mean = make_layer(ACCURACY % (f"top_k: {top_k}", REG), [MAP, LABEL], tops=2).forward()
    hits, overlaps = {False: [], True: []}, []
    for (image, h, w), label, truth in cells():
        if label == 0 and truth[4] >= 0.5:
            continue
        scores = MAP[image, :3, h, w]
        hits[label > 0].append(label in np.argsort(-scores)[:top_k])
        if label:
            codes = MAP[image, 3:, h, w] * STD + MEAN
            dx, dy = np.clip(codes[:2], -0.25, 0.25)
            width, height = np.exp(np.clip(codes[2:], -np.log(2), np.log(2))) * [24, 30]
            center = (w + 0.5) * 8 + dx * 24, (h + 0.5) * 8 + dy * 30
            shared = [
                max(0, min(c + s / 2, t + u / 2) - max(c - s / 2, t - u / 2))
                for c, s, t, u in zip(center, (width, height), truth[:2], truth[2:4], strict=True)
            ]
            both = shared[0] * shared[1]
            overlaps.append(both / (width * height + truth[2] * truth[3] - both))
    expected = [np.mean(hits[False] + hits[True]), np.mean(hits[True])]
    np.testing.assert_allclose(shares.reshape(-1), expected, rtol=1e-6)
    np.testing.assert_allclose(mean.item(), np.mean(overlaps), rtol=1e-6)


def test_nothing_that_counts():
    label = np.zeros_like(LABEL)
    label[:, 5] = 1
    shares, mean = make_layer(ACCURACY % ("", ""), [MAP, label], tops=2).forward()
    assert (shares == -1).all() and mean == -1
    (loss,) = make_layer(LOSS % ("sample_mode: 'all'", ""), [MAP, label]).forward()
    assert (loss == 0).all()


def test_errors():
    wrong = LABEL.copy()
    wrong[0, 0, 1, 1] = 3
    for text in (LOSS % ("", ""), ACCURACY % ("", "")):
        fails(text, [MAP, wrong], "labels must be integers from 0 to 2", "got 3")
        fails(text, [MAP[:, :6], LABEL], "a map (N, 7, H, W)", "(2, 6, 4, 5)")
        fails(text.replace("cls_num: 3", "cls_num: 1"), [MAP, LABEL], "cls_num of at least 2")
        fails(text.replace("field_h: 30", ""), [MAP, LABEL], "must be positive")
    fails(ACCURACY % ("top_k: 4", ""), [MAP, LABEL], "top_k must be from 1 to cls_num (3), got 4")
