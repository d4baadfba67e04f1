import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case, labels, spread
from tests.layers.helpers import fails, normal

X = normal(3, 5, 4, 6)
LABELS = np.random.default_rng(2).integers(0, 4, (3, 1, 4, 6)).astype(float)
LAYER = 'type: "SegAccuracy" seg_accuracy_param { %s }'

CASES = [
    Case(
        "SegAccuracy",
        "seg_accuracy_param { ignore_label: 2 }",
        (spread(3, 4, 2, 5), labels(3, 1, 2, 5, classes=4)),
        gradient=False,
        allocates="NumPy's argmax copies the scores, classes last",
    ),
]
SAMPLES = {"SegAccuracy": (X, LABELS)}


def reference(batches, ignored=()):
    true, guess = [], []
    for x, label in batches:
        for n, h, w in np.ndindex(label.shape[0], *label.shape[2:]):
            if label[n, 0, h, w] not in ignored:
                true.append(int(label[n, 0, h, w]))
                guess.append(int(np.argmax(x[n, :, h, w])))
    true, guess = np.array(true), np.array(guess)
    recalls, overlaps = [], []
    for c in range(5):
        both = ((true == c) & (guess == c)).sum()
        either = ((true == c) | (guess == c)).sum()
        overlaps.append(both / either if either else 1)
        if (true == c).any():
            recalls.append(both / (true == c).sum())
    right = (true == guess).mean() if len(true) else 0
    return [right, np.mean(recalls) if recalls else 0, np.mean(overlaps)]


@pytest.mark.parametrize(
    "param, ignored", [("", ()), ("ignore_label: 1 ignore_label: 255", (1, 255))]
)
def test_measures(param, ignored):
    label = LABELS.copy()
    if ignored:
        label[0, 0, 1] = 255
    run = make_layer(LAYER % param, [X, label])
    for _ in range(2):
        (measures,) = run.forward()
    assert measures.shape == (1, 1, 1, 3)
    np.testing.assert_allclose(measures.ravel(), reference([(X, label)], ignored), rtol=1e-6)


def test_a_class_in_neither_overlaps_wholly():
    x = X.copy()
    x[:, 4] = -9
    (measures,) = make_layer(LAYER % "metric: PixelIOU", [x, LABELS]).forward()
    np.testing.assert_allclose(measures.ravel(), reference([(x, LABELS)]), rtol=1e-6)


def test_no_pixel_counts():
    (measures,) = make_layer(LAYER % "ignore_label: 3", [X, 0 * LABELS + 3]).forward()
    np.testing.assert_array_equal(measures.ravel(), [0, 0, 1])


def test_without_reset_all_batches_count():
    run = make_layer(LAYER % "reset: false", [X, LABELS])
    run.forward()
    state = run.layer.get_state()
    other = make_layer(LAYER % "reset: false", [X + 1, LABELS[::-1]])
    other.layer.set_state(state)
    expected = reference([(X, LABELS), (X + 1, LABELS[::-1])])
    np.testing.assert_allclose(other.forward()[0].ravel(), expected, rtol=1e-6)


def test_errors():
    fails(LAYER % "", [X, LABELS + 9], "labels must be integers from 0 to 4")
    fails(LAYER % "ignore_label: 255", [X, LABELS + 9], "0 to 4, or 255")
    fails(LAYER % "", [X, LABELS[:2]], "one label per prediction")
