from math import sqrt

import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails

FEATURES, IMAGE = np.zeros((2, 7, 3, 4)), np.zeros((2, 3, 50, 90))
LAYER = 'type: "PriorBox" prior_box_param { %s }'

CASES = [
    Case(name, f"prior_box_param {{ {param} }}", (FEATURES, IMAGE), gradient=False)
    for name, param in (
        ("PriorBox", "min_size: 10 aspect_ratio: 2"),
        ("PriorBox", "min_size: 10 max_size: 20 step: 4"),
        ("PriorBoxClustered", "width: 9 height: 14"),
    )
]
SAMPLES = {"PriorBox": (FEATURES, IMAGE)}


def by_loop(
    smallest, largest=(), ratios=(), step=None, image=(50, 90), offset=0.5, clip=False, cells=(3, 4)
):
    """`ratios` with their inverses where those are asked for."""
    step = step or (image[0] / cells[0], image[1] / cells[1])
    rows = []
    for h in range(cells[0]):
        for w in range(cells[1]):
            x, y = (w + offset) * step[1], (h + offset) * step[0]
            for i, size in enumerate(smallest):
                sides = [(size, size)]
                if largest:
                    sides.append((sqrt(size * largest[i]),) * 2)
                sides += [(size * sqrt(r), size / sqrt(r)) for r in ratios]
                for width, height in sides:
                    row = [
                        (x - width / 2) / image[1],
                        (y - height / 2) / image[0],
                        (x + width / 2) / image[1],
                        (y + height / 2) / image[0],
                    ]
                    rows.append([min(max(v, 0), 1) for v in row] if clip else row)
    return np.array(rows)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("min_size: 10", dict(smallest=[10])),
        ("min_size: 10 max_size: 23", dict(smallest=[10], largest=[23])),
        (
            "min_size: 10 min_size: 20 max_size: 23 max_size: 30 aspect_ratio: 2 aspect_ratio: 3",
            dict(smallest=[10, 20], largest=[23, 30], ratios=[2, 1 / 2, 3, 1 / 3]),
        ),
        (
            "min_size: 10 aspect_ratio: 2 aspect_ratio: 1 aspect_ratio: 2 aspect_ratio: 0.5",
            dict(smallest=[10], ratios=[2, 0.5]),
        ),
        (
            "min_size: 10 aspect_ratio: 2 aspect_ratio: 3 flip: false",
            dict(smallest=[10], ratios=[2, 3]),
        ),
        ("min_size: 40 clip: true", dict(smallest=[40], clip=True)),
        ("min_size: 10 step: 16 offset: 0.25", dict(smallest=[10], step=(16, 16), offset=0.25)),
        ("min_size: 10 step_h: 16 step_w: 20", dict(smallest=[10], step=(16, 20))),
        ("min_size: 10 img_size: 60", dict(smallest=[10], image=(60, 60))),
        ("min_size: 10 img_h: 60 img_w: 80", dict(smallest=[10], image=(60, 80))),
        (
            "min_size: 10.9 max_size: 23.7 aspect_ratio: 2",  # sizes are cut to whole pixels
            dict(smallest=[10], largest=[23], ratios=[2, 0.5]),
        ),
    ],
)
def test_boxes_are_those_of_the_loop(text, expected):
    (priors,) = make_layer(LAYER % text, [FEATURES, IMAGE]).forward()
    boxes = by_loop(**expected)
    assert priors.shape == (1, 2, boxes.size)
    np.testing.assert_allclose(priors[0, 0].reshape(-1, 4), boxes, rtol=1e-6, atol=1e-9)
    assert (priors[0, 1] == np.float32(0.1)).all() or np.allclose(priors[0, 1], 0.1)


def test_widths_and_heights_of_all_boxes():
    text = LAYER % "width: 9 width: 20.5 height: 14 height: 7"
    boxes = make_layer(text, [FEATURES, IMAGE]).forward()[0][0, 0].reshape(12, 2, 4)
    sides = (boxes[..., 2:] - boxes[..., :2]) * [90, 50]
    np.testing.assert_allclose(sides, [[[9, 14], [20.5, 7]]] * 12, rtol=1e-6)


def test_nets_of_intel_call_it_clustered():
    param = "prior_box_param { width: 9 height: 14 step: 16 }"
    one, other = (
        make_layer(f'type: "{name}" {param}', [FEATURES, IMAGE]).forward()[0]
        for name in ("PriorBox", "PriorBoxClustered")
    )
    np.testing.assert_array_equal(one, other)


def test_several_centres_in_a_cell():
    offsets = "offset_w: 0.5 offset_h: 0.5 offset_w: 0.25 offset_h: 1"
    text = LAYER % f"min_size: 10 aspect_ratio: 2 {offsets}"
    boxes = make_layer(text, [FEATURES, IMAGE]).forward()[0][0, 0].reshape(12, 3, 2, 4)
    plain = by_loop([10], ratios=[2, 0.5]).reshape(12, 3, 4)
    np.testing.assert_allclose(boxes[:, :, 0], plain, rtol=1e-6, atol=1e-9)
    shift = np.array([-0.25 * 90 / 4 / 90, 0.5 * 50 / 3 / 50] * 2)
    np.testing.assert_allclose(boxes[:, :, 1], plain + shift, rtol=1e-6, atol=1e-9)


def test_a_second_centre_on_the_lower_edge():
    sizes = "min_size: 10 max_size: 20 aspect_ratio: 2 "
    denser, named = (
        make_layer(LAYER % (sizes + more), [FEATURES, IMAGE]).forward()[0]
        for more in (
            "denser_prior_boxes: true",
            "offset_w: 0.5 offset_h: 0.5 offset_w: 0.5 offset_h: 1",
        )
    )
    np.testing.assert_array_equal(denser, named)


def test_variances():
    four = "min_size: 9 variance: 0.1 variance: 0.2 variance: 0.3 variance: 0.4"
    (priors,) = make_layer(LAYER % four, [FEATURES, IMAGE]).forward()
    np.testing.assert_allclose(priors[0, 1].reshape(-1, 4), [[0.1, 0.2, 0.3, 0.4]] * 12, rtol=1e-6)
    (priors,) = make_layer(LAYER % "min_size: 9 variance: 0.5", [FEATURES, IMAGE]).forward()
    assert (priors[0, 1] == 0.5).all()


def test_other_sizes_give_other_priors():
    run = make_layer(LAYER % "min_size: 10", [FEATURES, IMAGE])
    run.bottom[0].reshape(1, 7, 2, 2)
    run.reshape()
    np.testing.assert_allclose(
        run.forward()[0][0, 0].reshape(-1, 4), by_loop([10], cells=(2, 2)), rtol=1e-6
    )


def test_the_gradient_is_zero():
    run = make_layer(LAYER % "min_size: 10", [FEATURES, IMAGE])
    run.forward()
    diffs, _ = run.backward([np.ones((1, 2, 48))])
    assert all((diff == 0).all() for diff in diffs)


@pytest.mark.parametrize(
    "text, parts",
    [
        ("", ["min_size must be given, all > 0, got []"]),
        ("min_size: 0", ["min_size must be given, all > 0, got [0.0]"]),
        ("min_size: 3 max_size: 3", ["each max_size must exceed its min_size"]),
        ("min_size: 3 max_size: 4 max_size: 5", ["once for each min_size, got 2 for 1"]),
        ("min_size: 3 variance: 0.1 variance: 0.1", ["variance must be given once or four"]),
        ("min_size: 3 variance: 0", ["all > 0, got [0.0]"]),
        ("min_size: 3 aspect_ratio: 0", ["aspect_ratio must be > 0, got 0"]),
        ("min_size: 3 img_size: 4 img_h: 5", ["takes img_size, or img_h and img_w", "img_h: 5"]),
        ("min_size: 3 img_w: 4", ["takes img_size, or img_h and img_w", "got img_w: 4"]),
        ("width: 3 height: 4 height: 5", ["width and height must be given equally often"]),
        ("width: 0 height: 4", ["all > 0, got [0.0] and [4.0]"]),
        ("min_size: 3 offset_w: 4", ["offset_w and offset_h must be given equally often"]),
        ("min_size: 3 step: 0", ["takes step, or step_h and step_w, all > 0, got step: 0"]),
    ],
)
def test_errors(text, parts):
    fails(LAYER % text, [FEATURES, IMAGE], *parts)


def test_bottoms_must_be_maps():
    fails(LAYER % "min_size: 3", [np.ones((2, 3)), IMAGE], "4 axes", "bottom[0]", "(2, 3)")
