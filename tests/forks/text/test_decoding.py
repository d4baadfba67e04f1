import numpy as np
import pytest

from caffe_lite.testing import make_layer
from tests.layer_case import Case
from tests.layers.helpers import fails, normal

STEPS = np.array([[3, 0], [0, 0], [0, 1], [1, 1], [3, 3], [1, 0]])  # the best of 4 classes (T, N)
SCORES = np.eye(4)[STEPS] + 0.1 * normal(6, 2, 4)
CONT = np.array([[0, 1, 1, 1, 1, 1], [1, 1, 1, 0, 1, 1]], float).T
GREEDY = 'type: "CTCGreedyDecoder" ctc_decoder_param { %s }'
ACCURACY = 'type: "LabelsequenceAccuracy" labelsequence_accuracy_param { blank_label: %d }'

CASES = [
    Case("CTCGreedyDecoder", "", (SCORES, CONT), batched=(), gradient=False,
         allocates="decodes on the host"),
    Case("LabelsequenceAccuracy", "", (SCORES, np.ones((6, 2))), gradient=False,
         allocates="decodes on the host"),
]  # fmt: skip
SAMPLES = {
    "CTCGreedyDecoder": (SCORES, CONT),
    "LabelsequenceAccuracy": (SCORES, np.ones((6, 2))),
}


@pytest.mark.parametrize(
    "text, cont, expected",
    [
        ("", None, [[0, 1, 1], [0, 1, 0]]),
        ("", CONT, [[0, 1, 1], [0, 1]]),
        ("ctc_merge_repeated: false", None, [[0, 0, 1, 1], [0, 0, 1, 1, 0]]),
        ("blank_index: 0", None, [[3, 1, 3, 1], [1, 3]]),
    ],
)
def test_labels_of_the_best_classes(text, cont, expected):
    bottoms = [SCORES] if cont is None else [SCORES, cont]
    (y,) = make_layer(GREEDY % text, bottoms).forward()
    assert y.shape == (2, 6, 1, 1)
    for row, labels in zip(y[:, :, 0, 0], expected, strict=True):
        np.testing.assert_array_equal(row, labels + [-1] * (6 - len(labels)))


def test_the_part_of_sequences_that_are_right():
    scores = SCORES.swapaxes(0, 1)
    for labels, part in (
        ([[3, 1, 3, 1], [1, 3, 0, 0]], 1),
        ([[3, 1, 3, 1], [1, 3, 1, 0]], 0.5),
        ([[3, 1, 3, 2], [0, 1, 0, 0]], 0),
        ([[3, 0, 1, 3], [0, 1, 0, 3]], 0.5),
    ):
        (accuracy,) = make_layer(ACCURACY % 0, [scores, np.array(labels)]).forward()
        assert accuracy == part
    (accuracy,) = make_layer(ACCURACY % 3, [scores, np.array([[0, 1, 1], [0, 1, 0]])]).forward()
    assert accuracy == 1


def test_errors():
    fails(GREEDY % "", [SCORES, CONT[1:]], "T * N indicators")
    fails(GREEDY % "blank_index: 4", [SCORES], "from 0 to 3, or -1")
    fails(ACCURACY % 0, [SCORES, np.ones((5, 2))], "needs scores (N, T, C)")
