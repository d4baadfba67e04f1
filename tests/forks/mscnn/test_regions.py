"""BoxOutput, DecodeBBox, ProposalTarget, BboxAccuracy and ROIAlign, against loops."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, untouched

RNG = np.random.default_rng(12)
REG = " ".join(["bbox_mean: 0.1"] * 4 + ["bbox_std: 0.2"] * 2 + ["bbox_std: 0.4"] * 2)
REG = f"bbox_reg_param {{ {REG} %s }}"
MEAN, STD = np.full(4, 0.1), np.array([0.2, 0.2, 0.4, 0.4])

MAPS = [RNG.normal(size=(2, 7, 5, 6)), RNG.normal(size=(2, 7, 3, 3))]
FIELDS = [(30, 24, 8), (60, 50, 16)]  # height, width, step
BOX = """field_h: 30 field_h: 60 field_w: 24 field_w: 50 downsample_rate: 8 downsample_rate: 16
         fg_thr: -1 min_size: 6 %s"""
OUTPUT = f'type: "BoxOutput" box_output_param {{ {BOX} }}'

REGIONS = np.array(
    [
        (0, 3, 3, 21, 31),
        (1, 2, 3, 20, 30),
        (0, 17, 12, 40, 35),
        (1, 0, 0, 12, 9),
        (1, 50, 0, 70, 9),
    ],
    float,
)
OBJECTS = np.array(
    [
        (0, 2, 3, 20, 30, 1, 0),
        (0, 18, 12, 41, 33, 2, 0),
        (1, 2, 5, 20, 33, 2, 0),
        (1, 52, 1, 70, 9, 1, 1),
    ],
    float,
)
TARGET = """type: "ProposalTarget" proposal_target_param { cls_num: 3 num_img_per_batch: 2
            img_width: 120 img_height: 90 %s }"""
MATCHES = np.array(
    [(1, 2, 3, 20, 30, 0.7), (0,) * 6, (2, 18, 12, 41, 33, 0.8), (2, 5, 5, 9, 9, 0.98)]
)
CODES = 0.3 * RNG.normal(size=(4, 12))
X = RNG.normal(size=(2, 3, 6, 7))
ALIGN = "roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.25 pad_ratio: 0.1 }"

CASES = [
    Case(
        "BoxOutput",
        f"box_output_param {{ {BOX % ''} }}",
        tuple(MAPS),
        tops=2,
        gradient=False,
        allocates="boxes of whole maps, on the host",
    ),
    Case(
        "DecodeBBox",
        "",
        (CODES[:, :8], REGIONS[:4], MATCHES),
        gradient=False,
        allocates="regions, on the host",
    ),
    Case(
        "ProposalTarget",
        """proposal_target_param { cls_num: 3 num_img_per_batch: 2 img_width: 120 img_height: 90
           batch_size: 8 }""",
        (REGIONS, OBJECTS),
        tops=7,
        gradient=False,
        batched=(0,),
        random=True,
        allocates="overlaps, on the host",
    ),
    Case(
        "BboxAccuracy",
        "",
        (CODES, REGIONS[:4], MATCHES),
        tops=2,
        gradient=False,
        allocates="boxes, on the host",
    ),
    Case(
        "ROIAlign",
        ALIGN,
        (spread(2, 3, 6, 7), REGIONS),
        batched=(1,),
        flags=(True, False),
        allocates="as much as the regions cover",
    ),
]
SAMPLES = {
    "BoxOutput": tuple(MAPS),
    "DecodeBBox": (CODES[:, :8], REGIONS[:4]),
    "ProposalTarget": (REGIONS[[0, 2]], OBJECTS[:2]),
    "BboxAccuracy": (CODES, REGIONS[:4], MATCHES),
    "GridAlign": (X, REGIONS),
}


def overlap(a, b, kind="IOU"):
    """Of boxes (x, y, width, height)."""
    width = max(0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
    height = max(0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
    first, second = a[2] * a[3], b[2] * b[3]
    whole = {"IOU": first + second - width * height, "IOMU": min(first, second), "IOFU": first}
    return width * height / whole[kind]


def inclusive(box):
    x1, y1, x2, y2 = box
    return x1, y1, x2 - x1 + 1, y2 - y1 + 1


@pytest.mark.parametrize("kind", ["IOU", "IOMU", "IOFU"])
@pytest.mark.parametrize("limits", ["", "max_nms_num: 12 max_post_nms_num: 4"])
def test_box_output(kind, limits):
    text = OUTPUT % f"iou_thr: 0.4 nms_type: '{kind}' {limits}" + REG % ""
    regions, boxes = make_layer(text, MAPS, tops=2).forward()
    expected = []
    for image in range(2):
        found = []
        for values, (height, width, step) in zip(MAPS, FIELDS, strict=True):
            for h, w in np.ndindex(*values.shape[2:]):
                score = max(values[image, 1:3, h, w]) - values[image, 0, h, w]
                codes = values[image, 3:, h, w] * STD + MEAN
                dx, dy = np.clip(codes[:2], -0.5, 0.5)
                dw, dh = np.clip(codes[2:], -np.log(2), np.log(2))
                size = width * np.exp(dw), height * np.exp(dh)
                x = max(0, (w + 0.5) * step + dx * width - size[0] / 2)
                y = max(0, (h + 0.5) * step + dy * height - size[1] / 2)
                box_width = min(size[0], values.shape[3] * step - x)
                box_height = min(size[1], values.shape[2] * step - y)
                if score >= -1 and box_width >= 6 and box_height >= 6:
                    found.append((score, (x, y, box_width, box_height)))
        found.sort(key=lambda each: -each[0])
        kept = []
        for score, box in found[: 12 if limits else None]:
            if all(overlap(other, box, kind) <= 0.4 for _, other in kept):
                kept.append((score, box))
        for score, (x, y, width, height) in kept[: 4 if limits else None]:
            expected.append((image, x, y, x + width, y + height, score))
    assert len(expected) > 4
    np.testing.assert_allclose(boxes.reshape(-1, 6), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(regions.reshape(-1, 5), boxes.reshape(-1, 6)[:, :5])


def test_no_box_at_all_and_nan():
    for maps in (MAPS, [np.full_like(each, np.nan) for each in MAPS]):
        regions, boxes = make_layer(
            OUTPUT.replace("fg_thr: -1", "fg_thr: 99") % "", maps, tops=2
        ).forward()
        np.testing.assert_array_equal(regions.reshape(-1), [0, 1, 1, 10, 10])
        assert boxes.shape == (1, 6, 1, 1) and not boxes.any()


def decoded(codes, region):
    width, height = region[3] - region[1] + 1, region[4] - region[2] + 1
    x = region[1] + width / 2 + codes[0] * width
    y = region[2] + height / 2 + codes[1] * height
    width, height = width * np.exp(codes[2]), height * np.exp(codes[3])
    return x - width / 2, y - height / 2, x + width / 2 - 1, y + height / 2 - 1


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_decode_bbox(phase):
    codes = CODES[:, :8].copy()
    codes[1, 6] = -60  # a width far below 1: corners in the wrong order
    text = 'type: "DecodeBBox"' + REG % ""
    bottoms = [codes, REGIONS[:4], MATCHES][: 3 if phase == "TRAIN" else 2]
    (rows,) = make_layer(text, bottoms, phase=phase).forward()
    kept = [0, 2] if phase == "TRAIN" else range(4)
    expected = [(REGIONS[i, 0], *decoded(codes[i, 4:] * STD + MEAN, REGIONS[i])) for i in kept]
    np.testing.assert_allclose(rows.reshape(-1, 5), expected, rtol=1e-6)


def test_bbox_accuracy():
    text = 'type: "BboxAccuracy"' + REG % ""
    after, before = make_layer(text, [CODES, REGIONS[:4], MATCHES], tops=2).forward()
    expected = []
    for i in (0, 2):  # 1 is background, 3 an object itself
        codes = CODES[i, 4 * int(MATCHES[i, 0]) :][:4] * STD + MEAN
        truth = inclusive(MATCHES[i, 1:5])
        box = decoded(codes, REGIONS[i])
        expected.append([overlap(inclusive(box), truth), overlap(inclusive(REGIONS[i, 1:]), truth)])
    np.testing.assert_allclose([after.item(), before.item()], np.mean(expected, axis=0), rtol=1e-6)
    after, before = make_layer(text, [CODES, REGIONS[:4], 0 * MATCHES], tops=2).forward()
    assert after == before == -1


def encoded(box, prior):
    size, own = (np.array(inclusive(each)[2:]) for each in (prior, box))
    offset = (np.array(box[:2]) + own / 2 - np.array(prior[:2]) - size / 2) / size
    return np.concatenate([offset, np.log(own / size)])


@pytest.mark.parametrize("aware", [True, False])
def test_proposal_targets(aware):
    text = TARGET % "batch_size: -1 iou_weighted: true" + REG % f"cls_aware: {str(aware).lower()}"
    regions = np.concatenate([REGIONS, [(0, 12, 3, 32, 30)]])
    rois, labels, targets, inside, outside, matches, weights = (
        made.reshape(made.shape[0], -1)
        for made in make_layer(text, [regions, OBJECTS], tops=7).forward()
    )
    labels, weights = labels[:, 0], weights[:, 0]
    assert targets.shape[1] == (12 if aware else 8)
    candidates = np.concatenate([regions, OBJECTS[:, :5]])
    positives = 0
    for row in candidates:
        own = [o for o in OBJECTS if o[0] == row[0]]
        shares = [overlap(inclusive(row[1:]), inclusive(o[1:5])) for o in own]
        truth = own[int(np.argmax(shares))]
        places = np.flatnonzero((rois == row).all(axis=1) & (labels == truth[5]))
        if max(shares) >= 0.5 and not truth[6]:
            positives += 1
            i = places[0]
            start = 4 * int(labels[i]) if aware else 4
            expected = np.zeros(targets.shape[1])
            expected[start : start + 4] = (encoded(truth[1:5], row[1:]) - MEAN) / STD
            np.testing.assert_allclose(targets[i], expected, rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(inside[i], expected != 0)
            np.testing.assert_allclose(matches[i], [truth[5], *truth[1:5], max(shares)], rtol=1e-6)
    assert (labels > 0).sum() == positives > 3 and (labels == 0).any()
    np.testing.assert_array_equal(outside, inside)
    assert not matches[labels == 0].any() and not targets[labels == 0].any()
    np.testing.assert_allclose(weights[labels > 0].sum(), 0.25 * len(labels), rtol=1e-6)
    np.testing.assert_allclose(weights[labels == 0].sum(), 0.75 * len(labels), rtol=1e-6)
    share = matches[labels > 0, 5]
    np.testing.assert_allclose(
        weights[labels > 0] / share, (weights[labels > 0] / share)[0], rtol=1e-5
    )


def test_missing_regions_are_found_elsewhere():
    rois, labels, *_ = make_layer(
        TARGET % "batch_size: 30 fg_fraction: 0.1", [REGIONS, OBJECTS], tops=6
    ).forward()
    rois, labels = rois.reshape(-1, 5), labels.reshape(-1)
    assert len(rois) == 30 and (labels > 0).sum() == 3 and (labels[:3] > 0).all()
    new = [
        row
        for row in rois
        if not (np.concatenate([REGIONS, OBJECTS[:, :5]]) == row).all(axis=1).any()
    ]
    assert len(new) > 15
    for row in new:
        assert row[0] in (0, 1) and min(inclusive(row[1:])[2:]) >= 32
        own = [o for o in OBJECTS if o[0] == row[0]]
        assert max(overlap(inclusive(row[1:]), inclusive(o[1:5])) for o in own) < 0.5


def test_proposal_target_resumes():
    text = TARGET % "batch_size: 8"
    run, other = (make_layer(text, [REGIONS, OBJECTS], tops=6, seed=seed) for seed in (1, 2))
    run.forward()
    other.layer.set_state(run.layer.get_state())
    for _ in range(3):
        np.testing.assert_array_equal(run.forward()[0], other.forward()[0])


def aligned(x, regions, scale, pad):
    y = np.zeros((len(regions), x.shape[1], 3, 4))
    for r, c, i, j in np.ndindex(y.shape):
        image, x1, y1, x2, y2 = regions[r]
        places = []
        for first, last, k, count in ((y1, y2, i, 2), (x1, x2, j, 3)):
            margin = (last - first + 1) * pad
            begin, end = (first - margin) * scale - 0.5, (last + margin) * scale - 0.5
            places.append(begin + k * (end - begin) / count)
        if any(p < -0.5 or p > n - 0.5 for p, n in zip(places, x.shape[2:], strict=True)):
            continue
        h, w = (np.clip(p, 0, n - 1) for p, n in zip(places, x.shape[2:], strict=True))
        for a, b in np.ndindex(*x.shape[2:]):
            y[r, c, i, j] += (
                max(0, 1 - abs(h - a)) * max(0, 1 - abs(w - b)) * x[int(image), c, a, b]
            )
    return y


def test_grid_align():
    regions = np.concatenate([REGIONS, [(1, 9, 9, 5, 20), (3, 0, 0, 9, 9)]])
    text = 'type: "ROIAlign" ' + ALIGN
    (y,) = make_layer(text, [X, regions]).forward()
    expected = aligned(X, regions[:5], 0.25, 0.1)
    np.testing.assert_allclose(y[:5], expected, rtol=1e-5, atol=1e-6)
    assert expected.any(axis=(1, 2, 3)).sum() >= 4 and not y[5:].any()
    check_layer(text, [X, REGIONS], propagate_down=(True, False))
    untouched(make_layer(text, [X, REGIONS]), [y[:5]])


def test_errors():
    fails(OUTPUT % "", MAPS[:1], "one value for each of 1 bottoms")
    fails(OUTPUT % "nms_type: 'MAX'", MAPS, "IOU, IOMU or IOFU, got MAX")
    fails(OUTPUT % "field_xyr: 0", MAPS, "must be positive")
    fails(OUTPUT % "" + "bbox_reg_param { bbox_mean: 1 bbox_std: 0 }", MAPS, "four values each")
    fails('type: "DecodeBBox"', [CODES, REGIONS[:4]], "codes (R, 8)", "(4, 12)")
    bottoms = [CODES[:, :8], REGIONS[:4], MATCHES]
    fails('type: "DecodeBBox"', bottoms, "while training alone", phase="TEST")
    fails('type: "DecodeBBox" decode_bbox_param { gt_iou_thr: 0 }', bottoms, "no region is left")
    labels = MATCHES + [2, 0, 0, 0, 0, 0]
    fails('type: "BboxAccuracy"', [CODES, REGIONS[:4], labels], "labels must be below 3, got 4")
    turned = OBJECTS[:, [0, 3, 2, 1, 4, 5, 6]]
    for objects, reason in (
        (turned, "corners x1 <= x2"),
        (
            OBJECTS + [1, 0, 0, 0, 0, 0, 0],
            "images of objects must be from 0 to 1 (num_img_per_batch), got 2",
        ),
        (OBJECTS + [0, 0, 0, 0, 0, 1, 0], "classes of objects must be from 1 to 2"),
    ):
        fails(TARGET % "", [REGIONS, objects], reason, tops=6)
    fails(TARGET % "bg_thr_hg: 0.7", [REGIONS, OBJECTS], "fg_thr must be at least", tops=6)
    small = (TARGET % "").replace("img_width: 120", "img_width: 20")
    fails(small, [REGIONS, OBJECTS], "must be above 32", tops=6)
