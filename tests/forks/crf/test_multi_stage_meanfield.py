import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails

RNG = np.random.default_rng(8)
UNARY = RNG.normal(size=(2, 3, 4, 5))
GIVEN = RNG.normal(size=(2, 3, 4, 5))
IMAGE = RNG.uniform(0, 9, (2, 3, 4, 5))
PARAM = """num_iterations: %d theta_alpha: 4 theta_beta: 5 theta_gamma: 2
           spatial_filter_weight: 0.7 bilateral_filter_weight: 1.2"""
LAYER = 'type: "MultiStageMeanfield" multi_stage_meanfield_param { %s }'
BOTTOMS = [UNARY, GIVEN, IMAGE]

CASES = [
    Case(
        "MultiStageMeanfield",
        f"multi_stage_meanfield_param {{ {PARAM % 2} }}",
        tuple(BOTTOMS),
        flags=(True, True, False),
        tolerance=1e-5,
        allocates="lattices, on the host",
    )
]
SAMPLES = {"MultiStageMeanfield": tuple(BOTTOMS)}


def test_iterations_by_the_formula():
    run = make_layer(LAYER % (PARAM % 3), BOTTOMS)
    for blob in run.layer.blobs:
        blob.data[0, 0] += RNG.normal(0, 0.3, (3, 3))
    (y,) = run.forward()
    spatial, bilateral, mixing = (blob.data[0, 0] for blob in run.layer.blobs)
    for n in range(2):
        filters = []
        for lattice, norm in run.layer._filters[n]:
            filters.append(norm * lattice.filter(np.eye(20)))
            np.testing.assert_allclose(filters[-1].sum(axis=1), 1)
        scores, unary = (blob[n].reshape(3, 20) for blob in (GIVEN, UNARY))
        for _ in range(3):
            prob = np.exp(scores) / np.exp(scores).sum(axis=0)
            message = spatial @ (filters[0] @ prob.T).T + bilateral @ (filters[1] @ prob.T).T
            scores = unary - mixing @ message
        np.testing.assert_allclose(y[n].reshape(3, 20), scores, rtol=1e-8)


def test_first_weights():
    run = make_layer(LAYER % (PARAM % 1), BOTTOMS)
    for blob, value in zip(run.layer.blobs, (0.7, 1.2, -1), strict=True):
        np.testing.assert_allclose(blob.data, value * np.eye(3)[None, None], rtol=1e-6)


@pytest.mark.parametrize("iterations, count", [(1, 2), (3, 1)])
def test_gradients(iterations, count):
    flags = [True, True, False]
    bottoms = [blob[:count, :, :2, :2] for blob in BOTTOMS]
    check_layer(LAYER % (PARAM % iterations), bottoms, propagate_down=flags)


def test_a_region_of_one_colour_agrees():
    """Two halves of different colours, one noisy score in each: it joins its half."""
    image = np.zeros((1, 3, 6, 8))
    image[..., 4:] = 200
    unary = np.zeros((1, 2, 6, 8))
    unary[:, 0, :, :4] = unary[:, 1, :, 4:] = 1
    unary[0, :, 2, 1] = 0, 1
    unary[0, :, 3, 6] = 1, 0
    param = "num_iterations: 5 theta_alpha: 30 theta_beta: 3 theta_gamma: 3 "
    (y,) = make_layer(
        LAYER % (param + "bilateral_filter_weight: 4"), [unary, unary, image]
    ).forward()
    best = y.argmax(axis=1)[0]
    assert (best[:, :4] == 0).all() and (best[:, 4:] == 1).all()


def test_errors():
    fails(LAYER % (PARAM % 0), BOTTOMS, "num_iterations must be at least 1")
    fails(LAYER % "theta_beta: 0", BOTTOMS, "theta_alpha, theta_beta", "0")
    fails(LAYER % "", [UNARY, GIVEN[:, :2], IMAGE], "scores (N, C, H, W) twice")
