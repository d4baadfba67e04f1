"""ScaleRoute, HardMining and FrcnnOutput, against loops."""

import numpy as np
import pytest

from caffe_lite.forks.translate import translate
from caffe_lite.proto import schema, text
from caffe_lite.testing import make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails

RNG = np.random.default_rng(41)
CORNERS = RNG.uniform(0, 60, (9, 2)).round()
SIDES = np.array([9, 20, 31, 12, 44, 25, 16, 38, 60.0])
REGIONS = np.column_stack([np.zeros(9), CORNERS, CORNERS + SIDES[:, None] - 1])
IMAGES = np.array([0, 1, 1, 0, 1, 1, 0, 1, 1.0])
MARKED = np.column_stack([IMAGES, REGIONS[:, 1:]])
LOSSES = np.array([3, 8, 1, 9, 4, 7, 2, 6, 5.0]).reshape(9, 1, 1)
ROWS = spread(9, 3, 2)
LOGITS = RNG.normal(size=(9, 3))
PROB = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
CODES = RNG.normal(0, 0.8, size=(9, 12))
SIZE = np.array([[80.0, 95.0]])
REG = """bbox_reg_param { cls_aware: %s bbox_mean: 0.1 bbox_mean: 0 bbox_mean: 0.2 bbox_mean: 0
         bbox_std: 0.1 bbox_std: 0.2 bbox_std: 0.3 bbox_std: 0.4 }"""
MEAN, STD = np.array([0.1, 0, 0.2, 0]), np.array([0.1, 0.2, 0.3, 0.4])
ROUTE = 'type: "ScaleRoute" scale_route_param { %s }'
HARD = 'type: "HardMining" hard_mining_param { num_roi_per_image: %d num_image: %d }'
FOUND = np.array([[0, 1, 1, 9, 9, 1, 0.5], [0, 5, 5, 20, 30, 2, 0.7]])
TRUTH = np.array([[0, 1, 2, 9, 9, 1, 0, 0], [0, 5, 5, 22, 33, 2, 0, 1.0]])
OUTPUT = 'type: "FrcnnOutput" frcnn_output_param { %s } %s'

CASES = [
    Case(
        "ScaleRoute",
        "scale_route_param { low_scale: 15 high_scale: 39 }",
        (REGIONS, ROWS),
        tops=2,
        gradient=False,
        allocates="the rows that are chosen",
    ),
    Case(
        "HardMining",
        "hard_mining_param { num_roi_per_image: 2 num_image: 2 }",
        (LOSSES, MARKED, ROWS),
        tops=2,
        gradient=False,
        allocates="the rows that are chosen",
    ),
    Case(
        "FrcnnOutput",
        "frcnn_output_param { conf_thr: 0.2 }",
        (PROB, CODES, REGIONS, SIZE),
        batched=(0, 1, 2),
        gradient=False,
        allocates="the boxes of all regions, on the host",
    ),
    Case(
        "RegionDetectionEvaluate",
        "detection_evaluate_param { num_classes: 3 name_size_file: 'name_size.txt' }",
        (FOUND, TRUTH, SIZE),
        batched=(),
        gradient=False,
        allocates="the rows of all detections, on the host",
    ),
]
SAMPLES = {
    "ScaleRoute": (REGIONS, ROWS),
    "HardMining": (LOSSES, MARKED, ROWS),
    "FrcnnOutput": (PROB, CODES, REGIONS, SIZE),
    "RegionDetectionEvaluate": (FOUND, TRUTH, SIZE),
}

SOURCES = {"name_size.txt": lambda path: path.write_text("one 160 95\n")}


@pytest.mark.parametrize(
    "limits, chosen",
    [
        ("low_scale: 16 high_scale: 38", [1, 2, 5, 6]),
        ("high_scale: 16", [0, 3]),
        ("low_scale: 44", [4, 8]),
        ("", list(range(9))),
        ("low_scale: 61 high_scale: 99", [8]),  # none; the nearest to the middle
        ("low_scale: 26 high_scale: 30", [2]),
        ("high_scale: 3", [0]),
    ],
)
def test_routes(limits, chosen):
    regions, rows = make_layer(ROUTE % limits, [REGIONS, ROWS], tops=2).forward()
    np.testing.assert_array_equal(regions, REGIONS[chosen])
    np.testing.assert_array_equal(rows, ROWS[chosen])


@pytest.mark.parametrize(
    "count, images, chosen",
    [
        (2, 2, [0, 1, 3, 5]),
        (4, 2, [0, 1, 3, 4, 5, 6, 7, 8]),
        (1, 2, [1, 3]),
        (9, 3, list(range(9))),
    ],
)
def test_hard_regions(count, images, chosen):
    regions, rows = make_layer(HARD % (count, images), [LOSSES, MARKED, ROWS], tops=2).forward()
    np.testing.assert_array_equal(regions, MARKED[chosen])
    np.testing.assert_array_equal(rows, ROWS[chosen])


def moved(region, code):
    dx, dy, dw, dh = code * STD + MEAN
    size = region[3:] - region[1:3] + 1
    center = region[1:3] + size / 2 + np.array([dx, dy]) * size
    size = size * np.exp([dw, dh])
    box = np.concatenate([center - size / 2, center + size / 2 - 1])
    return [max(box[0], 0), max(box[1], 0), min(box[2], 95), min(box[3], 80)]


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    shared = max(width, 0) * max(height, 0)
    area = [(each[2] - each[0] + 1) * (each[3] - each[1] + 1) for each in (a, b)]
    return shared / (sum(area) - shared)


@pytest.mark.parametrize("aware", [True, False])
@pytest.mark.parametrize("most", [0, 3])
def test_detections(aware, most):
    codes = CODES if aware else CODES[:, :8]
    text = OUTPUT % (
        f"conf_thr: 0.3 iou_thr: 0.2 max_det_num: {most}",
        REG % str(aware).lower(),
    )
    (found,) = make_layer(text, [PROB, codes, REGIONS, SIZE]).forward()
    expected = []
    for kind in (1, 2):
        column = 4 * kind if aware else 4
        kept = []
        for i in np.argsort(-PROB[:, kind]):
            box = moved(REGIONS[i], codes[i, column : column + 4])
            if PROB[i, kind] >= 0.3 and all(overlap(box, each[1:5]) <= 0.2 for each in kept):
                kept.append([0, *box, kind, PROB[i, kind]])
        expected += kept
    assert len(expected) > 4
    best = sorted((row[6] for row in expected), reverse=True)[: most or None]
    expected = [row for row in expected if row[6] in best]
    np.testing.assert_allclose(found[1:, :, 0, 0], expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(found[0].ravel(), [0, -1, -1, -1, -1, -1, -1])


def test_saved_detections(tmp_path):
    (tmp_path / "labels.prototxt").write_text(
        'item { name: "none" label: 0 } item { name: "a" label: 1 } item { name: "b" label: 2 }'
    )
    (tmp_path / "sizes.txt").write_text("one 160 95\n")
    save = f"""save_output_param {{ output_directory: "{tmp_path}/out" output_format: "VOC"
               label_map_file: "{tmp_path}/labels.prototxt" output_name_prefix: "det_"
               name_size_file: "{tmp_path}/sizes.txt" }}"""
    run = make_layer(OUTPUT % (f"conf_thr: 0.3 {save}", ""), [PROB, CODES, REGIONS, SIZE])
    (found,) = run.forward()
    lines = (tmp_path / "out" / "det_b.txt").read_text().splitlines()
    mine = found[found[:, 5, 0, 0] == 2][:, :, 0, 0]
    assert len(lines) == len(mine)
    name, score, *box = lines[0].split()
    assert name == "one" and abs(float(score) - mine[0, 6]) < 1e-5
    assert abs(float(box[1]) - 2 * mine[0, 2]) <= 1 and abs(float(box[0]) - mine[0, 1]) <= 1
    assert run.layer.overwrites(run.layer.param) == f'files in the folder "{tmp_path}/out"'


def test_errors():
    two = [REGIONS, ROWS]
    fails(ROUTE % "low_scale: 0", two, "low_scale must be positive", tops=2)
    fails(ROUTE % "low_scale: 9 high_scale: 8", two, "9 and 8", tops=2)
    fails(ROUTE % "", [REGIONS, ROWS[:5]], "R rows in each bottom", tops=2)
    fails(ROUTE % "", two, "one top for each of 2 bottoms", tops=1)
    fails(HARD % (0, 1), [LOSSES, MARKED], "at least 1")
    fails(HARD % (1, 1), [ROWS, MARKED], "one loss for each region")
    with pytest.raises(Exception, match="from 0 to 0 .num_image., got 1"):
        make_layer(HARD % (1, 1), [LOSSES, MARKED]).forward()
    four = [PROB, CODES, REGIONS, SIZE]
    fails(OUTPUT % ("nms_type: 'x'", ""), four, "nms_type must be")
    fails(OUTPUT % ("", REG % "false"), four, "codes (R, 8)")
    fails(OUTPUT % ("", ""), [PROB, CODES, REGIONS, SIZE[0, :1]], "a size (1, 2)")
    with pytest.raises(Exception, match="takes one image"):
        make_layer(OUTPUT % ("", ""), [PROB, CODES, MARKED, SIZE]).forward()


def judged_by_ssd(found, objects, sizes, tmp_path):
    """What SSD's layer says of the same boxes in fractions of the image."""
    found, objects = found.copy(), objects.copy()
    for rows in (found, objects):
        for row in rows:
            height, width = sizes[int(row[0])]
            row[1:5] /= [width, height, width, height]
    rows = [
        found[None, None][..., [0, 5, 6, 1, 2, 3, 4]],
        objects[None, None][..., [0, 5, 6, 1, 2, 3, 4, 7]],
    ]
    return make_layer(EVALUATE.replace("Region", "") % tmp_path, rows).forward()[0]


EVALUATE = """type: "RegionDetectionEvaluate" detection_evaluate_param { num_classes: 3
              evaluate_difficult_gt: false name_size_file: "%s/sizes.txt" }"""


def test_detections_are_judged_as_ssds_are(tmp_path):
    (tmp_path / "sizes.txt").write_text("one 160 95\ntwo 120 190\n")
    sizes = np.array([[80.0, 95.0], [60, 95]])
    objects = np.column_stack(
        [IMAGES, REGIONS[:, 1:], RNG.integers(1, 3, 9), np.zeros(9), np.arange(9) == 6]
    )
    objects[2, 0] = -1
    shifts = RNG.integers(-2, 3, (9, 4)) * (np.arange(9)[:, None] != 7) * 1.0
    shifts[7] = 90
    found = np.column_stack(
        [IMAGES, objects[:, 1:5] + shifts, objects[:, 5], RNG.uniform(size=9).round(3)]
    )
    found[4, 5] = 3 - found[4, 5]
    shape = lambda rows: rows[:, :, None, None]  # noqa: E731
    (judged,) = make_layer(EVALUATE % tmp_path, [shape(found), shape(objects), sizes]).forward()
    expected = judged_by_ssd(found, objects, sizes, tmp_path)
    np.testing.assert_allclose(judged, expected, rtol=1e-6)
    assert 0 < judged[0, 0, 2:, 3].sum() < 9
    definition = "layer { name: 'e' type: 'DetectionEvaluate' bottom: 'a' bottom: 'b' bottom: 'c' }"
    net = translate(text.parse(definition, schema.NetParameter))
    assert net.layer[0].type == "RegionDetectionEvaluate"
    found[0, 0] = 7
    assert make_layer(EVALUATE % tmp_path, [found, objects, sizes]).forward()[0].shape[2] == 10
    fails(EVALUATE % tmp_path, [found, objects[:, :7], sizes], "objects (G, 8)")
