import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case, spread
from tests.layers.helpers import fails, normal

X = normal(2, 3, 5, 6)
LAYER = 'type: "DataAugmentation" augmentation_param { %s }'

CASES = [
    Case(
        "DataAugmentation",
        f"augmentation_param {{ {text} mean_per_pixel: false }}",
        (spread(2, 3, 4, 5),),
        gradient=False,
    )
    for text in ("crop_height: 3 crop_width: 2", "mean: 1 mean: 2 mean: 3")
]
SAMPLES = {"DataAugmentation": (X,)}


@pytest.mark.parametrize("by_pixel", [True, False])
def test_the_mean_of_the_first_iterations(by_pixel):
    text = LAYER % f"recompute_mean: 2 mean_per_pixel: {str(by_pixel).lower()}"
    run = make_layer(text, [X], phase="TEST")
    seen = []
    for batch in (X, 2 * X + 1, X - 3):
        run.bottom[0].data[...] = batch
        if len(seen) < 2:
            seen.append(batch.mean(axis=0))
        mean = np.mean(seen, axis=0)
        color = mean.mean(axis=(1, 2), keepdims=True)
        (y,) = run.forward()
        np.testing.assert_allclose(y, batch - (mean if by_pixel else color), rtol=1e-9, atol=1e-12)
    count, kept, channels = (blob.data for blob in run.layer.blobs)
    assert count.ravel() == [3]
    np.testing.assert_allclose(kept[0], mean, rtol=1e-9)
    np.testing.assert_allclose(channels[0], color, rtol=1e-9)
    assert run.layer.param_propagate_down == [False] * 3


def test_given_values_and_none():
    given = LAYER % "mean: 1 mean: 2 mean: 3 mean_per_pixel: false"
    (y,) = make_layer(given, [X]).forward()
    np.testing.assert_allclose(y, X - np.array([1, 2, 3]).reshape(3, 1, 1), rtol=1e-12)
    (y,) = make_layer(LAYER % "mean: 1 mean: 2 mean: 3", [X]).forward()
    np.testing.assert_array_equal(y, X)


def test_crops():
    (y,) = make_layer(LAYER % "crop_height: 3 crop_width: 2", [X]).forward()
    np.testing.assert_allclose(y, X[:, :, 1:4, 2:4], rtol=1e-12)
    (y,) = make_layer(LAYER % "crop_height: 5 crop_width: 3", [X]).forward()
    np.testing.assert_allclose(y, (X[..., 1:4] + X[..., 2:5]) / 2, rtol=1e-12)


def test_errors():
    fails(LAYER % "crop_height: 6 crop_width: 2", [X], "crop (6, 2) is larger")
    fails(LAYER % "mean: 1 mean_per_pixel: false", [X], "3 values of mean")
    fails(LAYER % "", [X[0]], "4 axes")
