import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails, normal

RNG = np.random.default_rng(3)
X = normal(3, 1, 4, 5)
TARGET = (RNG.uniform(size=X.shape) < 0.3) * 1.0
TARGET[0, 0, 0] = 2  # ignored
LOSS = 'type: "SigmoidCrossEntropyBalanceLoss"'

CASES = [
    Case(
        "SigmoidCrossEntropyBalanceLoss", "", (X, TARGET), allocates="numbers of each image's edges"
    )
]
SAMPLES = {"SigmoidCrossEntropyBalanceLoss": (X, TARGET)}


def by_loop():
    total = 0.0
    for x, target in zip(X, TARGET, strict=True):
        edges, others = (target == 1).sum(), (target == 0).sum()
        for place in np.ndindex(x.shape):
            p = 1 / (1 + np.exp(-x[place]))
            if target[place] == 1:
                total -= np.log(p) * others / (edges + others)
            elif target[place] == 0:
                total -= np.log(1 - p) * edges / (edges + others)
    return total / len(X)


def test_values_and_gradients():
    (loss,) = make_layer(LOSS, [X, TARGET]).forward()
    np.testing.assert_allclose(loss, by_loop(), rtol=1e-9)
    check_layer(LOSS, [X, TARGET])
    check_layer(LOSS, [X[:1], TARGET[:1].reshape(1, 20)])


@pytest.mark.parametrize("value", [0, 1, 2])
def test_an_image_of_one_kind_adds_nothing(value):
    run = make_layer(LOSS, [X, np.full_like(X, value)])
    assert run.forward()[0] == 0
    (dx, _), _ = run.backward([np.ones(())], [True, False])
    assert not dx.any()


def test_errors():
    fails(LOSS, [X, TARGET[:, :, :3]], "one target per score")
