import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.forks.yolo.given import ANCHORS, CLASSES, as_ssd, biases, predictions, truths
from tests.forks.yolo.yolo_by_loop import region
from tests.layer_case import Case
from tests.layers.helpers import fails, untouched

PARAM = (
    f"num_class: {CLASSES} num: 3 object_scale: 5 class_scale: 2 noobject_scale: 0.7 " + biases()
)
LAYER = f'type: "RegionLoss" region_loss_param {{ {PARAM} coord_scale: 3 thresh: 0.3 %s }}'
SCALES = (5, 0.7, 3, 2)

CASES = [
    Case(
        "RegionLoss",
        f"region_loss_param {{ {PARAM} }}",
        (predictions(), truths()),
        gradient=False,
        own_gradient="darknet's loss is a sum of squares of gradients",
        allocates="the number of objects differs from batch to batch",
    )
]
SAMPLES = {"RegionLoss": (np.full((1, 16, 3, 4), 0.1), np.full((1, 1, 2, 5), 0.3))}


@pytest.mark.parametrize("rescore", [1, 0])
@pytest.mark.parametrize("bias_match", [1, 0])
@pytest.mark.parametrize("images", [1, 2])
def test_gradients_and_loss_are_those_of_the_loop(rescore, bias_match, images):
    x, truth = predictions(images), truths(images)
    run = make_layer(LAYER % f"rescore: {rescore} bias_match: {bias_match}", [x, truth])
    (loss,) = run.forward()
    expected = region(x, truth, ANCHORS, CLASSES, 0.3, SCALES, bool(rescore), bool(bias_match))
    np.testing.assert_allclose(loss, (expected**2).sum() / images, rtol=1e-6)
    run.top[0].diff[...] = 1.5
    (dx, _), _ = run.backward()
    np.testing.assert_allclose(dx, expected * 1.5 / images, rtol=1e-5, atol=1e-7)


def test_the_later_of_two_objects_in_a_box_counts():
    x, truth = predictions(1), truths(1, objects=(1,))
    truth[0, 0, 1] = truth[0, 0, 0]
    truth[0, 0, 1, 0] = (truth[0, 0, 0, 0] + 1) % CLASSES
    both = make_layer(LAYER % "", [x, truth])
    later = make_layer(LAYER % "", [x, truth[:, :, 1:]])
    np.testing.assert_array_equal(both.forward()[0], later.forward()[0])
    np.testing.assert_array_equal(both.backward()[0][0], later.backward()[0][0])


def test_without_objects_every_box_learns_that_there_is_none():
    x, truth = predictions(), np.zeros((2, 1, 4, 5))
    run = make_layer(LAYER % "", [x, truth])
    run.forward()
    (dx, _), _ = run.backward()
    s = 1 / (1 + np.exp(-x.reshape(2, 3, 9, 3, 5)))
    expected = np.zeros_like(s)
    expected[:, :, 4] = 0.7 * (s * s * (1 - s))[:, :, 4] / 2
    np.testing.assert_allclose(dx, expected.reshape(x.shape), rtol=1e-7)


def test_gradients_are_derivatives_of_the_formula():
    """Of the objective of the docstring, with the target of the score held."""
    x, truth = predictions(1), truths(1, objects=(1,))
    run = make_layer(LAYER % "rescore: 0", [x, truth])
    run.forward()
    (dx, _), _ = run.backward()
    label, cx, cy, w, h = truth[0, 0, 0]
    i, j = int(cy * 3), int(cx * 5)
    (a,) = {int(k) // 9 for k in np.argwhere(dx[0, :, i, j])[:, 0] if k % 9 == 5}
    at = slice(9 * a, 9 * a + 9)

    def objective(t):
        s = 1 / (1 + np.exp(-t))
        scale = 3 * (2 - w * h) / 2
        log = np.log([w * 5 / ANCHORS[a][0], h * 3 / ANCHORS[a][1]])
        box = (s[0] - (cx * 5 - j)) ** 2 + (s[1] - (cy * 3 - i)) ** 2 + ((t[2:4] - log) ** 2).sum()
        entropy = np.log(np.exp(t[5:]).sum()) - t[5 + int(label)]
        return scale * box + 5 / 2 * (s[4] - 1) ** 2 + 2 * entropy

    t = x[0, at, i, j].copy()
    for k in range(9):
        step = np.zeros(9)
        step[k] = 1e-5
        numeric = (objective(t + step) - objective(t - step)) / 2e-5
        np.testing.assert_allclose(dx[0, at, i, j][k], numeric, rtol=1e-5, atol=1e-7)


def test_truths_as_ssd_gives_them_mean_intels_layer():
    x, truth = predictions(2, seed=5), truths(2)
    run = make_layer(LAYER % "", [x * 2, as_ssd(truth)])
    (loss,) = run.forward()
    (dx, _), _ = run.backward()
    np.testing.assert_allclose(loss, (dx**2).sum() * 4, rtol=1e-6)
    usual = region(x * 2, truth, ANCHORS, CLASSES, 0.3, SCALES).reshape(2, 3, 9, 3, 5)
    dx = dx.reshape(usual.shape) * 2
    with_object = usual[:, :, 5] != 0
    t = (x * 2).reshape(usual.shape)
    s = 1 / (1 + np.exp(-t[:, :, 4]))
    score = np.where(with_object, -5 * 2 * (1 - s) ** 3 * s * (1 - s), usual[:, :, 4])
    np.testing.assert_allclose(dx[:, :, 4], score, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(
        dx[:, :, 2:4], np.clip(usual[:, :, 2:4], -3, 3), rtol=1e-5, atol=1e-7
    )
    np.testing.assert_allclose(dx[:, :, 5:], usual[:, :, 5:], rtol=1e-5, atol=1e-7)
    assert (abs(usual[:, :, 2:4]) > 3).any()


def test_a_class_map_names_the_class_of_each_label(tmp_path):
    path = tmp_path / "map.txt"
    path.write_text("2\n0\n3\n1\n")
    x, truth = predictions(), truths()
    mapped = truth.copy()
    filled = truth[..., 3] > 0
    mapped[..., 0][filled] = np.array([2, 0, 3, 1])[truth[..., 0][filled].astype(int)]
    run = make_layer(LAYER % f'class_map: "{path}"', [x, as_ssd(truth)])
    np.testing.assert_array_equal(
        run.forward()[0], make_layer(LAYER % "", [x, as_ssd(mapped)]).forward()[0]
    )


def test_without_propagate_down_the_gradient_stays():
    untouched(make_layer(LAYER % "", [predictions(), truths()]), [1.0])


def test_errors():
    x, truth = predictions(), truths()
    fails(LAYER % 'softmax_tree: "a"', [x, truth], "only coords: 4 without softmax_tree")
    fails(LAYER.replace("num: 3", "num: 4") % "", [x, truth], "at least 4 anchors", "6 numbers")
    fails(LAYER % "", [x[:, 1:], truth], "(N, 27, H, W)", "(2, 26, 3, 5)")
    fails(LAYER % "", [x, truth[:1]], "rows of 5 numbers for each of 2 images")
    fails(LAYER % 'class_map: "none.txt"', [x, as_ssd(truth)], 'class_map "none.txt"')
    for column, value, part in (
        (0, CLASSES, "class of an object must be from 0 to 3, got 4"),
        (1, 1.2, "centre in the image"),
        (2, np.nan, "centre in the image"),
        (4, 0, "width and height above 0"),
    ):
        bad = truth.copy()
        bad[0, 0, 0, column] = value
        fails(LAYER % "", [x, bad], "bottom[1]", part)
