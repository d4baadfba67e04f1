import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case, labels, spread
from tests.layers.helpers import fails, normal

X = normal(2, 4, 3, 5)
LABELS = np.random.default_rng(6).integers(0, 4, (2, 1, 3, 5)).astype(float)
LABELS[0, 0, 1, 2:] = 255
LAYER = 'type: "EltwiseAccuracy" eltwise_accuracy_param { %s }'

CASES = [
    Case(
        "EltwiseAccuracy",
        "eltwise_accuracy_param { top_k: 2 ignore_label: 1 }",
        (spread(3, 4, 2, 5), labels(3, 1, 2, 5, classes=4)),
        gradient=False,
        allocates="comparisons of scores",
    ),
]
SAMPLES = {"EltwiseAccuracy": (X, LABELS)}


@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_the_share_of_pixels(top_k):
    run = make_layer(LAYER % f"top_k: {top_k} ignore_label: 255", [X, LABELS])
    right = total = 0
    for n, h, w in np.ndindex(2, 3, 5):
        true = LABELS[n, 0, h, w]
        if true != 255:
            total += 1
            right += true in np.argsort(-X[n, :, h, w])[:top_k]
    assert total == 27
    assert run.forward()[0] == pytest.approx(right / total)


def test_errors():
    fails(LAYER % "", [X, LABELS], "integers from 0 to 3")
    fails(LAYER % "top_k: 5", [X, LABELS], "top_k must be from 1")
