"""Against scores that the COCO caption evaluation (with its Java tokenizer) gave these captions."""

import json
from pathlib import Path

import pytest

from caffe_lite.errors import DataError
from caffe_lite.lrcn.metrics import evaluate, tokenize

RECORDED = json.loads((Path(__file__).parent / "coco_scores.json").read_text("utf-8"))


ODD = json.loads((Path(__file__).parent / "odd_captions.json").read_text("utf-8"))


@pytest.mark.parametrize("caption, words", RECORDED["tokenized"] + ODD)
def test_captions_are_split_as_the_java_tokenizer_splits_them(caption, words):
    assert " ".join(tokenize(caption)) == words


def test_the_fixture_is_split_as_the_java_tokenizer_splits_it():
    for name, captions in RECORDED["references"].items():
        mine = [" ".join(tokenize(caption)) for caption in captions]
        assert mine == RECORDED["tokenized_references"][name]
    mine = {name: " ".join(tokenize(text)) for name, text in RECORDED["candidates"].items()}
    assert mine == RECORDED["tokenized_candidates"]


def assert_equal(scores, each, recorded):
    assert scores == pytest.approx(recorded["scores"], rel=1e-12, abs=1e-12)
    assert each.keys() == recorded["images"].keys()
    for name, its in recorded["images"].items():
        assert each[name] == pytest.approx(its, rel=1e-12, abs=1e-12), name


def test_scores_are_those_of_the_coco_tools():
    assert len(RECORDED["candidates"]) == 20
    scores, each = evaluate(RECORDED["candidates"], RECORDED["references"])
    assert_equal(scores, each, RECORDED["recorded"])


def test_document_frequencies_are_those_of_the_images_scored():
    names = RECORDED["recorded_subset"]["images"]
    candidates = {name: RECORDED["candidates"][name] for name in names}
    references = {name: RECORDED["references"][name][:2] for name in RECORDED["references"]}
    scores, each = evaluate(candidates, references)
    assert_equal(scores, each, RECORDED["recorded_subset"])


def test_nothing_to_score_and_no_references_are_told():
    with pytest.raises(DataError, match="no captions to score"):
        evaluate({}, {})
    with pytest.raises(DataError, match="image 7 has a caption to score and no references"):
        evaluate({7: "a dog"}, {8: ["a cat"], 7: []})
