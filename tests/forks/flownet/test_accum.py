import numpy as np

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal

A, B = normal(2, 3, 2, 4), normal(2, 1, 5, 7)
LAYER = 'type: "Accum" accum_param { %s }'

CASES = [
    Case("Accum", "", (spread(3, 2, 3, 4), spread(3, 1, 5, 6))),
    Case(
        "Accum",
        "accum_param { have_reference: true }",
        (spread(3, 2, 3, 4), spread(3, 1, 5, 6)),
        flags=(True, False),
    ),
]
SAMPLES = {"Accum": (A, B)}


def by_loop(x, height, width):
    y = np.empty((*x.shape[:2], height, width))
    for i, j in np.ndindex(height, width):
        row = i * (x.shape[2] - 1) / max(height - 1, 1)
        column = j * (x.shape[3] - 1) / max(width - 1, 1)
        r, c = int(row), int(column)
        below, right = min(r + 1, x.shape[2] - 1), min(c + 1, x.shape[3] - 1)
        dr, dc = row - r, column - c
        y[:, :, i, j] = (1 - dr) * ((1 - dc) * x[:, :, r, c] + dc * x[:, :, r, right])
        y[:, :, i, j] += dr * ((1 - dc) * x[:, :, below, c] + dc * x[:, :, below, right])
    return y


def test_the_largest_size():
    (y,) = make_layer(LAYER % "", [A, B]).forward()
    expected = np.concatenate([by_loop(A, 5, 7), B], axis=1)
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-12)
    check_layer(LAYER % "", [A, B])
    check_layer(LAYER % "", [A[:1], B[:1]])


def test_a_reference_gives_the_size_alone():
    (y,) = make_layer(LAYER % "have_reference: true", [A, B]).forward()
    np.testing.assert_allclose(y, by_loop(A, 5, 7), rtol=1e-9, atol=1e-12)
    run = make_layer(LAYER % "have_reference: true", [B, A])
    np.testing.assert_allclose(run.forward()[0], by_loop(B, 2, 4), rtol=1e-9, atol=1e-12)
    (_, dreference), _ = run.backward([np.ones((2, 1, 2, 4))])
    assert (dreference == 0).all()
    check_layer(LAYER % "have_reference: true", [A, B], propagate_down=[True, False])


def test_larger_sizes():
    for text, size in (
        ("top_height: 6 top_width: 8", (6, 8)),
        ("top_height: 9 top_width: 7", (5, 7)),
        ("size_divisible_by: 4", (8, 8)),
        ("size_divisible_by: 5", (5, 7)),
    ):
        (y,) = make_layer(LAYER % text, [A, B]).forward()
        assert y.shape == (2, 4, *size)
        np.testing.assert_allclose(y[:, :3], by_loop(A, *size), rtol=1e-9, atol=1e-12)


def test_single_pixels():
    check_layer(LAYER % "", [normal(2, 1, 1, 1), B])


def test_errors():
    fails(LAYER % "have_reference: true", [A], "at least two bottoms")
    fails(LAYER % "", [A, B[:1]], "one number of images")
    fails(LAYER % "", [A[0]], "4 axes")
