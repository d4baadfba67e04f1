from math import exp

import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails

IMAGES, PRIORS, CLASSES = 3, 40, 4
CODES = ("CORNER", "CENTER_SIZE", "CORNER_SIZE")


def given(seed=0, share=True, images=IMAGES):
    rng = np.random.default_rng(seed)
    center, half = rng.uniform(0.2, 0.8, (PRIORS, 2)), rng.uniform(0.1, 0.2, (PRIORS, 2))
    boxes = np.concatenate([center - half, center + half], axis=1)
    variances = rng.uniform(0.1, 0.4, (PRIORS, 4))
    priors = np.stack([boxes.ravel(), variances.ravel()])[None]
    location = rng.normal(size=(images, PRIORS * (1 if share else CLASSES) * 4)) * 0.3
    return [location, rng.uniform(size=(images, PRIORS * CLASSES)), priors]


def layer(**fields):
    fields.setdefault("num_classes", CLASSES)
    text = " ".join(f"{name}: {value}" for name, value in fields.items() if name != "nms_param")
    nms = fields.get("nms_param", "")
    return f'type: "DetectionOutput" detection_output_param {{ {text} nms_param {{ {nms} }} }}'


def decoded(code, prior, variance, value):
    value = [v * s for v, s in zip(value, variance, strict=True)]
    width, height = prior[2] - prior[0], prior[3] - prior[1]
    if code == "CORNER":
        return [p + v for p, v in zip(prior, value, strict=True)]
    if code == "CORNER_SIZE":
        sides = [width, height] * 2
        return [p + v * s for p, v, s in zip(prior, value, sides, strict=True)]
    x = (prior[0] + prior[2]) / 2 + value[0] * width
    y = (prior[1] + prior[3]) / 2 + value[1] * height
    w, h = exp(value[2]) * width, exp(value[3]) * height
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def overlap(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0
    sizes = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return width * height / (sum(sizes) - width * height)


def by_loop(
    bottoms, code, share=True, background=0, threshold=0.3, eta=1.0, top_k=-1, keep=-1, least=-1.0,
    encoded=False,
):  # fmt: skip
    location, confidence, priors = bottoms
    rows = []
    for n in range(len(location)):
        found = []
        for c in range(CLASSES):
            if c == background:
                continue
            boxes = []
            for p in range(PRIORS):
                start = p * 4 if share else (p * CLASSES + c) * 4
                prior, variance = priors[0, :, p * 4 : p * 4 + 4]
                value = location[n, start : start + 4]
                boxes.append(decoded(code, prior, [1] * 4 if encoded else variance, value))
            scores = confidence[n].reshape(PRIORS, CLASSES)[:, c]
            order = sorted(
                (p for p in range(PRIORS) if scores[p] > least), key=lambda p: -scores[p]
            )
            kept, limit = [], threshold
            for p in order if top_k < 0 else order[:top_k]:
                if all(overlap(boxes[p], boxes[k]) <= limit for k in kept):
                    kept.append(p)
                    if eta < 1 and limit > 0.5:
                        limit *= eta
            found += [[n, c, scores[p], *boxes[p]] for p in kept]
        if 0 <= keep < len(found):
            best = sorted(found, key=lambda row: -row[2])[:keep]
            found = [row for row in found if row in best]
        rows += found
    return np.array(rows)


CASES = [
    Case(
        "DetectionOutput",
        f"detection_output_param {{ num_classes: {CLASSES} code_type: CENTER_SIZE }}",
        tuple(given()),
        batched=(0, 1),
        gradient=False,
        allocates="the number of detections varies",
    ),
]
SAMPLES = {
    "DetectionOutput": (np.zeros((2, 12)), np.full((2, 63), 0.1), np.full((1, 2, 12), 0.1)),
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize(
    "fields, options",
    [
        ({}, {}),
        ({"keep_top_k": 7}, {"keep": 7}),
        ({"confidence_threshold": 0.6, "background_label_id": 2}, {"least": 0.6, "background": 2}),
        ({"variance_encoded_in_target": "true"}, {"encoded": True}),
        ({"nms_param": "nms_threshold: 0.2 top_k: 15"}, {"threshold": 0.2, "top_k": 15}),
        ({"nms_param": "nms_threshold: 0.8 eta: 0.9"}, {"threshold": 0.8, "eta": 0.9}),
        ({"background_label_id": -1}, {"background": -1}),
    ],
)
def test_detections_are_those_of_the_loop(code, share, fields, options):
    bottoms = given(share=share)
    text = layer(code_type=code, share_location=str(share).lower(), **fields)
    (rows,) = make_layer(text, bottoms).forward()
    expected = by_loop(bottoms, code, share, **options)
    assert rows.shape == (1, 1, *expected.shape)
    np.testing.assert_allclose(rows[0, 0], expected, rtol=1e-6)
    assert len(expected) > 5


def test_a_batch_of_one():
    bottoms = given(images=1)
    (rows,) = make_layer(layer(), bottoms).forward()
    np.testing.assert_allclose(rows[0, 0], by_loop(bottoms, "CORNER"), rtol=1e-6)


def test_no_detection_gives_one_row_for_each_image():
    (rows,) = make_layer(layer(confidence_threshold=2), given()).forward()
    np.testing.assert_array_equal(rows[0, 0], [[n, *[-1] * 6] for n in range(IMAGES)])


def test_an_image_without_detections_has_no_row_where_others_have():
    bottoms = given()
    bottoms[1][1] = 0
    (rows,) = make_layer(layer(confidence_threshold=0.5), bottoms).forward()
    assert set(rows[0, 0, :, 0]) == {0, 2}


def test_nan_scores_are_no_detections():
    bottoms = given()
    bottoms[1].reshape(IMAGES, PRIORS, CLASSES)[:, ::2] = np.nan
    (rows,) = make_layer(layer(), bottoms).forward()
    assert np.isfinite(rows).all()
    bottoms[1][:] = np.nan
    (rows,) = make_layer(layer(), bottoms).forward()
    assert (rows[0, 0, :, 1] == -1).all()


def test_boxes_outside_the_image_and_without_area_are_kept():
    priors = np.array([[[0.5, 0.5, 0.5, 0.5, 1.2, 1.2, 1.4, 1.4], [0.1] * 8]])
    bottoms = [np.zeros((1, 8)), np.array([[0.0, 0.9, 0.0, 0.8]]), priors]
    (rows,) = make_layer(layer(num_classes=2), bottoms).forward()
    expected = [[0, 1, 0.9, 0.5, 0.5, 0.5, 0.5], [0, 1, 0.8, 1.2, 1.2, 1.4, 1.4]]
    np.testing.assert_allclose(rows[0, 0], expected)


def test_another_number_of_detections_reshapes_the_top():
    run = make_layer(layer(confidence_threshold=0.5), given(0))
    sizes = set()
    for seed in range(3):
        for blob, values in zip(run.bottom, given(seed), strict=True):
            blob.data[...] = values
        (rows,) = run.forward()
        expected = by_loop(given(seed), "CORNER", least=0.5)
        np.testing.assert_allclose(rows[0, 0], expected, rtol=1e-6)
        sizes.add(len(expected))
    assert len(sizes) > 1


def test_errors():
    location, confidence, priors = given()
    fails('type: "DetectionOutput"', given(), "needs num_classes")
    fails(layer(nms_param="eta: 0"), given(), "eta in (0, 1]", "got 0.3 and 0")
    fails(layer(nms_param="nms_threshold: -1"), given(), "at least 0", "got -1 and 1")
    fails(layer(num_classes=5), given(), "needs 5 numbers in confidence", "40 priors")
    fails(layer(share_location="false"), given(), "needs 16 numbers in location", "40 priors")
    fails(layer(), [location, confidence, priors[:, :, :-2]], "must have shape (1, 2, 4 * priors)")
    fails(layer(), [location, confidence, priors[:, 0]], "must have shape (1, 2, 4 * priors)")
    fails(layer(), [location[:2], confidence, priors], "as many images in both")


def test_boxes_in_pixels_have_a_pixel_more_on_each_side():
    fields = {"num_classes": 2, "code_type": "CENTER_SIZE", "nms_param": "nms_threshold: 0.35"}
    fields |= {"variance_encoded_in_target": "true"}
    priors = np.array([0, 0, 9, 9, 5, 0, 14, 9.0]).reshape(1, 1, 8)
    bottoms = [np.zeros((1, 8)), np.array([[0, 0.9, 0, 0.8]]), priors]
    # As pixels the boxes overlap by 6 x 11 of 2 x 121 - 66, that is 0.375.
    pixels = make_layer(layer(normalized_bbox="false", **fields), bottoms)
    assert np.allclose(pixels.forward()[0].reshape(-1, 7), [[0, 1, 0.9, 0, 0, 10, 10]])
    # As fractions they are 9 wide, and overlap by 4 x 9 of 2 x 81 - 36, that is 0.286.
    fractions = make_layer(layer(**fields), bottoms)
    boxes = [[0, 1, 0.9, 0, 0, 9, 9], [0, 1, 0.8, 5, 0, 14, 9]]
    assert np.allclose(fractions.forward()[0].reshape(-1, 7), boxes)
