import numpy as np
import pytest

from caffe_lite.errors import LayerError
from caffe_lite.testing import make_layer
from tests.layer_case import Case, normal

SCORES = normal(5, 3)
LABELS = np.array([2.0, 0, 1, 2, 0])

CASES = [
    Case("Accuracy", "accuracy_param { denominator: 4 }", (SCORES, LABELS), gradient=False),
    Case("Accuracy", "accuracy_param { denominator: 0 }", (SCORES, LABELS), gradient=False),
]
SAMPLES = {"AccuracyWithDenominator": (SCORES, LABELS)}


@pytest.mark.parametrize("ignored", ["", "ignore_label: 2"])
@pytest.mark.parametrize("denominator", [0, 1, 2.5])
def test_hits_are_divided(denominator, ignored):
    counted = [n for n, label in enumerate(LABELS) if not ignored or label != 2]
    hits = sum(SCORES[n].argmax() == LABELS[n] for n in counted)
    options = f"accuracy_param {{ denominator: {denominator} {ignored} }}"
    (accuracy,) = make_layer(f'type: "Accuracy" {options}', [SCORES, LABELS]).forward()
    assert accuracy == pytest.approx(hits / (denominator or len(counted)))


@pytest.mark.parametrize("denominator", [-1, "inf", "nan"])
def test_a_denominator_that_is_none(denominator):
    options = f"accuracy_param {{ denominator: {denominator} }}"
    with pytest.raises(LayerError, match="denominator must be at least 0"):
        make_layer(f'type: "Accuracy" {options}', [SCORES, LABELS])
