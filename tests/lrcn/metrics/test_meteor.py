"""METEOR against what METEOR 1.5 gave for these captions, with its stages exact and stem."""

import json
import sys
from pathlib import Path

import pytest

from caffe_lite.errors import CaffeError
from caffe_lite.lrcn.metrics import evaluate, meteor
from caffe_lite.lrcn.metrics.meteor import NAME
from caffe_lite.lrcn.metrics.meteor_words import meteor_words

RECORDED = json.loads((Path(__file__).parent / "meteor_scores.json").read_text("utf-8"))
CANDIDATES = [candidate.split() for candidate, _ in RECORDED["sets"]]
REFERENCES = [[each.split() for each in its] for _, its in RECORDED["sets"]]


@pytest.fixture(autouse=True)
def stemmer():
    return pytest.importorskip("snowballstemmer", reason="snowballstemmer is not installed")


def test_scores_are_those_of_meteor():
    assert len(CANDIDATES) == 200
    score, each = meteor(CANDIDATES, REFERENCES)
    assert each == pytest.approx(RECORDED["scores"], rel=1e-12, abs=1e-12)
    assert score == pytest.approx(RECORDED["all"], rel=1e-12)
    assert len(set(each)) > 150 and max(each) > 0.9


@pytest.mark.parametrize("caption, words", RECORDED["words"])
def test_words_are_those_of_meteor(caption, words):
    assert " ".join(meteor_words(caption)) == words


def test_a_score_by_hand():
    """a man is riding a horse on the beach: 2 content and 2 function words equal, 2 stems."""
    mine, its = "a man is riding a horse on the beach", "the man rides horses at a beach"
    precision = (0.75 * 2 + 0.25 * 2 + 0.6 * 0.75 * 2) / (0.75 * 4 + 0.25 * 5)
    recall = (0.75 * 2 + 0.25 * 2 + 0.6 * 0.75 * 2) / (0.75 * 4 + 0.25 * 3)
    mean = precision * recall / (0.85 * precision + 0.15 * recall)
    expected = mean * (1 - 0.6 * (6 / 6) ** 0.2)
    assert meteor([mine.split()], [[its.split()]])[0] == pytest.approx(expected)


def test_equal_captions_score_one_and_empty_ones_nothing():
    words = "a dog runs".split()
    assert meteor([words], [[["x"], words]]) == (1.0, [1.0])
    assert meteor([[]], [[words]]) == (0.0, [0.0])
    assert meteor([words], [[[]]]) == (0.0, [0.0])


def test_it_is_one_of_the_scores_if_asked_for():
    candidates, references = {1: "A dog runs."}, {1: ["a dog is running", "a cat"]}
    plain, _ = evaluate(candidates, references)
    scores, each = evaluate(candidates, references, with_meteor=True)
    assert scores == {**plain, NAME: pytest.approx(each[1][NAME])}
    assert 0.3 < scores[NAME] < 1


def test_a_missing_stemmer_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "snowballstemmer", None)
    with pytest.raises(CaffeError, match=r'snowballstemmer.*pip install "caffe_lite\[meteor\]"'):
        meteor([["a"]], [[["a"]]])
