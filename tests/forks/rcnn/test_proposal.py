import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case, normal
from tests.layers.helpers import fails

PARAM = "ratio: 0.5 ratio: 2 scale: 1 scale: 2.5 feat_stride: 8 base_size: 8 min_size: 6 %s"
LAYER = f'type: "Proposal" proposal_param {{ {PARAM} }}'
SCORES = np.random.default_rng(1).uniform(0, 1, (1, 8, 3, 4))
CODES = 0.3 * normal(1, 16, 3, 4)
INFO = np.array([[24, 33, 1.5]])

CASES = [
    Case(
        "Proposal",
        "proposal_param { ratio: 1 scale: 1 min_size: 4 }",
        (SCORES[:, :2], CODES[:, :4], INFO),
        tops=2,
        gradient=False,
        batched=(),
        allocates="boxes of the whole map, on the host",
    )
]
SAMPLES = {"Proposal": (normal(1, 4, 3, 4), normal(1, 8, 3, 4), np.array([[80, 90, 1.0]]))}


def rounded(a):
    return np.floor(a + 0.5)


def by_loop(scores, codes, info, candidates, limit, overlap, min_size=6):
    """mini-caffe's rule, box by box."""
    anchors = []
    for ratio in (0.5, 2):
        width = rounded(np.sqrt(64 / ratio))
        height = rounded(width * ratio)
        for scale in (1, 2.5):
            half = (width * scale - 1) / 2, (height * scale - 1) / 2
            anchors.append((3.5 - half[0], 3.5 - half[1], 3.5 + half[0], 3.5 + half[1]))
    found = []
    for h, w, a in np.ndindex(3, 4, 4):
        x1, y1, x2, y2 = np.add(anchors[a], [8 * w, 8 * h, 8 * w, 8 * h])
        dx, dy, dw, dh = codes[4 * a : 4 * a + 4, h, w]
        width, height = x2 - x1 + 1, y2 - y1 + 1
        center = x1 + width / 2 + dx * width, y1 + height / 2 + dy * height
        size = np.exp(dw) * width, np.exp(dh) * height
        box = [
            np.clip(
                center[k % 2] + (size[k % 2] / 2) * (1 if k > 1 else -1), 0, info[1 - k % 2] - 1
            )
            for k in range(4)
        ]
        least = min_size * info[2]
        large = box[2] - box[0] + 1 >= least and box[3] - box[1] + 1 >= least
        found.append((scores[4 + a, h, w] * large, box))
    found.sort(key=lambda each: -each[0])
    kept = []
    for score, box in found[:candidates]:
        if all(iou(box, other) <= overlap for _, other in kept) and len(kept) < limit:
            kept.append((score, box))
    return np.array([box for _, box in kept]), np.array([score for score, _ in kept])


def iou(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    areas = [(c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b)]
    return width * height / (sum(areas) - width * height)


@pytest.mark.parametrize(
    "options, candidates, limit, overlap",
    [
        ("", 6000, 300, 0.7),
        ("pre_nms_topn: 20 post_nms_topn: 9 nms_thresh: 0.4", 20, 9, 0.4),
        ("nms_thresh: 0.2", 6000, 300, 0.2),
    ],
)
def test_against_a_loop(options, candidates, limit, overlap):
    run = make_layer(LAYER % options, [SCORES, CODES, INFO], tops=2)
    rois, scores = run.forward()
    boxes, best = by_loop(SCORES[0], CODES[0], INFO[0], candidates, limit, overlap)
    np.testing.assert_allclose(rois[:, 1:], boxes, atol=1e-9)
    np.testing.assert_allclose(scores, best, rtol=1e-12)
    assert (rois[:, 0] == 0).all()


def test_a_batch_and_two_scales():
    scores = np.concatenate([SCORES, SCORES[:, ::-1]])
    codes = np.concatenate([CODES, 2 * CODES])
    info = np.array([[24, 33, 1.5, 1.5], [20, 30, 1, 1]])
    (rois,) = make_layer(LAYER % "", [scores, codes, info]).forward()
    for image in range(2):
        boxes, _ = by_loop(scores[image], codes[image], info[image], 6000, 300, 0.7)
        np.testing.assert_allclose(rois[rois[:, 0] == image, 1:], boxes, atol=1e-9)


def test_given_anchors():
    anchors = "anchor { left: -4 top: -4 right: 11 bottom: 11 }"
    text = f"""type: "Proposal" proposal_param {{ {anchors} stride_h: 8 stride_w: 4
               nms_iou_th: 1 min_width: 3 nms_output_num: 500 }}"""
    scores = np.ones((1, 2, 2, 3))
    (rois,) = make_layer(
        text, [scores, np.zeros((1, 4, 2, 3)), np.array([[99, 99, 1.0]])]
    ).forward()
    centers = [(4 + 4 * w, 4 + 8 * h) for h in range(2) for w in range(3)]
    expected = [(0, max(x - 8, 0), max(y - 8, 0), x + 8, y + 8) for x, y in centers]
    np.testing.assert_allclose(rois, expected)


def test_nan_is_no_proposal_and_none_is_the_whole_image():
    scores, codes = SCORES.copy(), CODES.copy()
    scores[0, 4:, 0], codes[0, :, 1:] = np.nan, np.nan
    rois, best = make_layer(LAYER % "", [scores, codes, INFO], tops=2).forward()
    np.testing.assert_array_equal(rois, [[0, 0, 0, 32, 23]])
    assert best == [0]


def test_codes_that_overflow_are_cut_to_the_image():
    codes = CODES.copy()
    codes[:, 2::4] = 1e5
    (rois,) = make_layer(LAYER % "", [SCORES, codes, INFO]).forward()
    assert np.isfinite(rois).all() and (rois[:, [1, 3]] == [0, 32]).all()


def test_errors():
    inputs = [SCORES, CODES, INFO]
    fails('type: "Proposal"', inputs, "at least one ratio and one scale")
    fails((LAYER % "").replace("feat_stride: 8", "feat_stride: 0"), inputs, "feat_stride")
    fails(LAYER % "ratio: 0", inputs, "must be positive")
    fails(LAYER % "", [SCORES[:, :6], CODES, INFO], "4 anchors", "scores (N, 8, H, W)")
    fails(LAYER % "", [SCORES, CODES, INFO[:, :2]], "height, width and scale", "(1, 2)")
    fails('type: "Proposal" proposal_param { anchor { left: 1 } }', inputs, "need stride_h")
