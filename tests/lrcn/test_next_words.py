"""Log-probabilities of next words, in C and by arrays, against log softmax."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.backend.reference.ops import Ops
from caffe_lite.errors import ModelError
from caffe_lite.lrcn.next_words import NextWords


def make(scores, kind, dtype="float64"):
    ops = get_ops(None, dtype) if kind == "native" else Ops(np, dtype)
    return NextWords(ops, np.array(scores, dtype), "net")


def log_softmax(scores):
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("kind", ["native", "arrays"])
@pytest.mark.parametrize("streams, words", [(1, 1), (3, 7), (2, 8), (5, 1001), (4, 64)])
def test_log_probabilities_are_those_of_the_softmax(kind, streams, words):
    scores = np.random.default_rng(words).normal(0, 3, (streams, words))
    expected = log_softmax(scores)
    found = make(scores, kind)
    np.testing.assert_allclose(found.all(), expected, rtol=1e-12)
    count = min(5, words)
    ids, best = found.top(5)
    order = np.argsort(-expected, axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(ids, order)
    np.testing.assert_allclose(best, np.take_along_axis(expected, order, 1), rtol=1e-12)
    wanted = np.arange(streams) % words
    np.testing.assert_allclose(found.of(wanted), expected[np.arange(streams), wanted], rtol=1e-12)


@pytest.mark.parametrize("kind", ["native", "arrays"])
def test_the_first_of_equally_likely_words_comes_first(kind):
    scores = np.zeros((2, 40))
    scores[0, [31, 4, 17]] = 2
    scores[1, [39, 38]] = 1
    ids, _ = make(scores, kind).top(4)
    assert ids.tolist() == [[4, 17, 31, 0], [38, 39, 0, 1]]


@pytest.mark.parametrize("kind", ["native", "arrays"])
def test_scores_far_apart_neither_overflow_nor_vanish(kind):
    scores = [[1000.0, -1000.0, 999.0], [-3000.0, -3001.0, -9000.0]]
    found = make(scores, kind).all()
    low = np.log1p(np.exp(-1))
    np.testing.assert_allclose(
        found, [[-low, -2000 - low, -1 - low], [-low, -1 - low, -6000 - low]]
    )


@pytest.mark.parametrize("kind", ["native", "arrays"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_values_that_are_not_finite_are_reported(kind, value):
    scores = np.zeros((2, 9))
    scores[1, 3] = value
    for method in ("all", "top", "of"):
        arguments = {"all": (), "top": (2,), "of": (np.array([0, 0]),)}[method]
        with pytest.raises(ModelError, match="net holds NaN"):
            getattr(make(scores, kind), method)(*arguments)


def test_strided_scores_and_other_types_take_the_other_way():
    scores = np.random.default_rng(0).normal(size=(4, 12))
    ops = get_ops(None, "float32")
    found = NextWords(ops, scores.astype(np.float32)[:, ::2], "net").all()
    np.testing.assert_allclose(found, log_softmax(scores[:, ::2]), rtol=1e-5)
