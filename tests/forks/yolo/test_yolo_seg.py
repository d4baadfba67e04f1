import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails, normal

RNG = np.random.default_rng(61)
X = normal(2, 3, 4, 5)
TARGET = (RNG.uniform(size=X.shape) < 0.4) * 1.0
COUNT = TARGET.sum(axis=(2, 3))
LAYER = 'type: "YoloSeg" yolo_seg_param { object_scale: 0.5 }'

CASES = [
    Case(
        "YoloSeg",
        "",
        (X, TARGET, COUNT),
        gradient=False,
        own_gradient="YOLO's own",
        allocates="a weight for each class",
    )
]
SAMPLES = {"YoloSeg": (X, TARGET)}


@pytest.mark.parametrize("weighted", [True, False])
def test_loss_and_yolos_gradient(weighted):
    bottoms = [X, TARGET, COUNT] if weighted else [X, TARGET]
    run = make_layer(LAYER, bottoms)
    error = np.empty_like(X)
    for n, c, h, w in np.ndindex(X.shape):
        weight = 0.5
        if weighted and TARGET[n, c, h, w]:
            positives = TARGET[:, c].sum()
            weight *= 2 - positives / (40 - positives)
        error[n, c, h, w] = weight * (1 / (1 + np.exp(-X[n, c, h, w])) - TARGET[n, c, h, w])
    np.testing.assert_allclose(run.forward()[0], (error**2).sum() / 2, rtol=1e-9)
    (dx, *_), _ = run.backward([np.array(0.3)], [True, *[False] * (len(bottoms) - 1)])
    np.testing.assert_allclose(dx, 0.3 * error / 2, rtol=1e-9)


def test_errors():
    fails(LAYER, [X, TARGET[:, :2]], "scores and targets (N, C, H, W)")
    fails(LAYER, [X, TARGET, COUNT[:, :2]], "counts of shape (2, 3)")
