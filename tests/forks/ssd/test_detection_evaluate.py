import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails

CLASSES = 4
LAYER = 'type: "DetectionEvaluate" detection_evaluate_param {{ num_classes: 4 {} }}'


def overlap(a, b, extent=0):
    width = min(a[2], b[2]) - max(a[0], b[0]) + extent
    height = min(a[3], b[3]) - max(a[1], b[1]) + extent
    if width <= 0 or height <= 0:
        return 0
    sizes = [(x[2] - x[0] + extent) * (x[3] - x[1] + extent) for x in (a, b)]
    return width * height / (sum(sizes) - width * height)


def by_loop(detections, truth, threshold=0.5, use_difficult=True, size=None, background=0):
    scale = [size[1], size[0]] * 2 if size else [1] * 4
    extent = 1 if size else 0

    def place(box):
        return [min(max(v, 0), 1) * s if size else v for v, s in zip(box, scale, strict=True)]

    truths = [row for row in truth.reshape(-1, 8) if row[0] != -1]
    rows = []
    for c in range(CLASSES):
        if c != background:
            count = sum(row[1] == c and (use_difficult or not row[7]) for row in truths)
            rows.append([-1, c, count, -1, -1])
    found = [row for row in detections.reshape(-1, 7) if row[1] != -1]
    for image in sorted({row[0] for row in found}):
        for c in sorted({row[1] for row in found if row[0] == image}):
            mine = [row for row in found if row[0] == image and row[1] == c]
            true = [row for row in truths if row[0] == image and row[1] == c]
            mine.sort(key=lambda row: -row[2] if true else 0)
            taken = set()
            for row in mine:
                values = [overlap(place(row[3:]), place(t[3:7]), extent) for t in true]
                j = values.index(max(values)) if values else -1
                if not values or values[j] < threshold:
                    verdict = [0, 1]
                elif not use_difficult and true[j][7]:
                    verdict = [0, 0]
                else:
                    verdict = [0, 1] if j in taken else [1, 0]
                    taken.add(j)
                rows.append([image, c, row[2], *verdict])
    return np.array(rows)


def given(seed=0, images=3):
    """Detections near the ground truth, several for some; the last image has no ground truth."""
    rng = np.random.default_rng(seed)
    truth, found = [[-1.0] * 8], []
    for n in range(images):
        for i in range(5):
            corner, size = rng.uniform(0, 0.7, 2), rng.uniform(0.1, 0.3, 2)
            box = np.concatenate([corner, corner + size])
            label = rng.integers(1, CLASSES)
            if n < images - 1:
                truth.append([n, label, i, *box, i % 3 == 1])
            for _ in range(rng.integers(0, 4)):
                near = box + rng.normal(size=4) * 0.015
                found.append([n, label, rng.uniform(), *near])
    return [np.array([[found]]), np.array([[truth]])]


CASES = [
    Case(
        "DetectionEvaluate",
        "detection_evaluate_param { num_classes: 4 }",
        tuple(given()),
        batched=(),
        gradient=False,
        grows=(2, 2),
        allocates="the number of detections varies",
    )
]
SAMPLES = {"DetectionEvaluate": tuple(given())}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "text, options",
    [
        ("", {}),
        ("overlap_threshold: 0.75", {"threshold": 0.75}),
        ("evaluate_difficult_gt: false", {"use_difficult": False}),
    ],
)
def test_rows_are_those_of_the_loop(seed, text, options):
    (rows,) = make_layer(LAYER.format(text), given(seed)).forward()
    expected = by_loop(*given(seed), **options)
    assert rows.shape == (1, 1, *expected.shape)
    np.testing.assert_allclose(rows[0, 0], expected, rtol=1e-6)
    assert 2 < expected[3:, 3].sum() < len(expected) - 6


def test_boxes_in_pixels(tmp_path):
    (tmp_path / "sizes.txt").write_text("a 7 5\nb 7 5\n")
    text = LAYER.format(f'name_size_file: "{tmp_path}/sizes.txt" overlap_threshold: 0.85')
    (rows,) = make_layer(text, given(1)).forward()
    np.testing.assert_allclose(
        rows[0, 0], by_loop(*given(1), threshold=0.85, size=(7, 5)), rtol=1e-6
    )
    (normalized,) = make_layer(LAYER.format("overlap_threshold: 0.85"), given(1)).forward()
    assert (rows != normalized).any()


def test_images_take_the_sizes_in_turn(tmp_path):
    box, near = [0.2, 0.2, 0.5, 0.5], [0.25, 0.2, 0.55, 0.5]
    # side 0.3: at 10 pixels and one more 4 of 3 + 1; the shift of 0.05 is half a pixel of 10
    sizes = [(10, 10), (1000, 1000)]
    (tmp_path / "sizes.txt").write_text("".join(f"x {h} {w}\n" for h, w in sizes))
    text = LAYER.format(f'name_size_file: "{tmp_path}/sizes.txt" overlap_threshold: 0.74')
    bottoms = [np.array([[[[0, 1, 0.9, *near]]]]), np.array([[[[0, 1, 0, *box, 0]]]])]
    run = make_layer(text, bottoms)
    verdicts = [run.forward()[0][0, 0, -1, 3] for _ in range(4)]
    expected = [by_loop(*bottoms, threshold=0.74, size=size)[-1, 3] for size in sizes]
    assert expected == [1, 0]
    assert verdicts == expected * 2


def test_no_detection_leaves_the_counts():
    found = np.array([[[[0, -1, -1, -1, -1, -1, -1], [1, -1, -1, -1, -1, -1, -1.0]]]])
    (rows,) = make_layer(LAYER.format(""), [found, given()[1]]).forward()
    np.testing.assert_array_equal(rows[0, 0], by_loop(found, given()[1]))
    assert rows.shape == (1, 1, 3, 5)


def test_errors(tmp_path):
    found, truth = given()
    fails('type: "DetectionEvaluate"', given(), "needs num_classes")
    fails(LAYER.format("overlap_threshold: 0"), given(), "must be above 0, got 0")
    fails(LAYER.format(""), [found[0], truth], "detections (bottom[0])", "(1, 1, rows, 7)")
    fails(LAYER.format(""), [found, truth[..., :7]], "ground truth (bottom[1])", "(1, 1, rows, 8)")
    for label in (0, 4, np.nan):
        bad = found.copy()
        bad[0, 0, 2, 1] = label
        fails(LAYER.format(""), [bad, truth], "detections must have labels from 0 to 3", f"{label}")
        bad = truth.copy()
        bad[0, 0, 2, 1] = label
        fails(LAYER.format(""), [found, bad], "must be a label from 0 to 3", f"got {label}")
    fails(LAYER.format('name_size_file: "none.txt"'), given(), "none.txt: no such file")
