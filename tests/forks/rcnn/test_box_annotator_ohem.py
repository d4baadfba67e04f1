import numpy as np

from caffe_lite.testing import make_layer
from tests.layer_case import Case, labels, normal, spread
from tests.layers.helpers import fails

IMAGES = np.array([0, 1, 0, 1, 0, 0])
REGIONS = np.column_stack([IMAGES, normal(6, 4)])
LOSS = np.array([0.5, 0.1, 2, 0.3, 0.5, np.nan]).reshape(6, 1)
LABELS = np.array([3, 0, 1, 2, 0, 1.0]).reshape(6, 1)
WEIGHTS = 1 + np.arange(48.0).reshape(6, 8)
LAYER = 'type: "BoxAnnotatorOHEM" box_annotator_ohem_param { roi_per_img: %d }'

CASES = [
    Case(
        "BoxAnnotatorOHEM",
        "box_annotator_ohem_param { roi_per_img: 2 }",
        (REGIONS, spread(6, 1), labels(6, 1), spread(6, 8)),
        tops=2,
        gradient=False,
        allocates="the order of the losses, on the host",
    )
]
SAMPLES = {"BoxAnnotatorOHEM": (REGIONS, LOSS, LABELS, WEIGHTS)}


def test_the_hardest_of_each_image_stay():
    hard, weights = make_layer(LAYER % 2, [REGIONS, LOSS, LABELS, WEIGHTS], tops=2).forward()
    # Of image 0 regions 2 and 0 (equal to 4, but first); both of image 1.
    np.testing.assert_array_equal(hard.reshape(-1), [3, 0, 1, 2, -1, -1])
    kept = np.array([1, 1, 1, 1, 0, 0])[:, None]
    np.testing.assert_array_equal(weights.reshape(6, 8), WEIGHTS * kept)
    assert hard.shape == (6, 1, 1, 1) and weights.shape == (6, 8, 1, 1)


def test_places_of_a_map_and_another_ignore_label():
    regions = np.zeros((2, 5, 1, 3))
    regions[1, 0] = 1
    loss = np.array([[5, 1, 2], [0.1, 0.3, 0.2]]).reshape(2, 1, 1, 3)
    text = 'type: "BoxAnnotatorOHEM" box_annotator_ohem_param { roi_per_img: 1 ignore_label: 9 }'
    inputs = [regions, loss, np.ones((2, 1, 1, 3)), np.ones((2, 4, 1, 3))]
    hard, weights = make_layer(text, inputs, tops=2).forward()
    np.testing.assert_array_equal(hard.reshape(2, 3), [[1, 9, 9], [9, 1, 9]])
    np.testing.assert_array_equal(weights.sum(axis=1).reshape(2, 3), [[4, 0, 0], [0, 4, 0]])


def test_backward_gives_zeros():
    run = make_layer(LAYER % 1, [REGIONS, LOSS, LABELS, WEIGHTS], tops=2)
    run.forward()
    for blob in run.bottom:
        blob.diff[...] = 7
    run.layer.backward(run.top, [True] * 4, run.bottom)
    assert all((blob.diff == 0).all() for blob in run.bottom)


def test_errors():
    inputs = [REGIONS, LOSS, LABELS, WEIGHTS]
    fails('type: "BoxAnnotatorOHEM"', inputs, "needs roi_per_img", tops=2)
    fails(LAYER % 1, [REGIONS, LOSS[:5], LABELS, WEIGHTS], "(6, 5), (5, 1)", tops=2)
