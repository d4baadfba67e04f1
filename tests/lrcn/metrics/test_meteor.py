"""METEOR against METEOR 1.5, whose scores `record_meteor.py` has recorded."""

import json
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from caffe_lite.errors import CaffeError, DataError
from caffe_lite.lrcn.metrics import evaluate, meteor, meteor_tables
from caffe_lite.lrcn.metrics.meteor import NAME
from caffe_lite.lrcn.metrics.meteor_tables import load_tables
from caffe_lite.lrcn.metrics.meteor_words import meteor_words

RECORDED = json.loads((Path(__file__).parent / "meteor_scores.json").read_text("utf-8"))
CANDIDATES = [candidate.split() for candidate, _ in RECORDED["sets"]]
REFERENCES = [[each.split() for each in its] for _, its in RECORDED["sets"]]


needs_meteor = pytest.mark.skipif(
    not all(map(find_spec, ("snowballstemmer", "pycocoevalcap"))),
    reason="snowballstemmer and pycocoevalcap (extra `meteor`) are not both installed",
)


@needs_meteor
def test_scores_are_those_of_meteor():
    assert len(CANDIDATES) == 200
    score, each = meteor(CANDIDATES, REFERENCES)
    assert each == pytest.approx(RECORDED["scores"], rel=1e-12, abs=1e-12)
    assert score == pytest.approx(RECORDED["all"], rel=1e-12)
    assert len(set(each)) > 150 and max(each) > 0.9


@needs_meteor
@pytest.mark.parametrize("caption, words", RECORDED["words"])
def test_words_are_those_of_meteor(caption, words):
    assert " ".join(meteor_words(caption, load_tables().abbreviations)) == words


@needs_meteor
def test_a_score_by_hand():
    """Equal: two function and two content words; happiness has the stem of happy; one synonym."""
    mine = "a happy man has a bike on the beach".split()
    its = "the man of happiness rides bicycles at a beach".split()
    found = 0.75 * 2 + 0.25 * 2 + 0.6 * 0.75 + 0.8 * 0.75
    precision = found / (0.75 * 4 + 0.25 * 5)
    recall = found / (0.75 * 5 + 0.25 * 4)
    mean = precision * recall / (0.85 * precision + 0.15 * recall)
    expected = mean * (1 - 0.6 * (6 / 6) ** 0.2)
    assert meteor([mine], [[its]])[0] == pytest.approx(expected)


@needs_meteor
def test_inflected_forms_match_twice_and_so_only_within_a_chunk():
    """riding and rides have one stem and are synonyms: two matches, so neither is certain."""
    alone, _ = meteor(["x riding y".split()], [["rides z".split()]])
    within, _ = meteor(["a man riding y".split()], [["a man rides z".split()]])
    assert alone == 0 and within > meteor(["a man y".split()], [["a man rides z".split()]])[0]


@needs_meteor
@pytest.mark.parametrize(
    "word, other, is_alike",
    [
        ("bike", "bicycle", True),
        ("geese", "goose", True),  # irregular
        ("glasses", "glass", True),  # -ses
        ("churches", "church", True),
        ("ladies", "lady", True),
        ("photo", "pictures", True),
        ("is", "was", True),
        ("kiss", "kis", False),  # -ss is no ending
        ("dog", "cat", False),
    ],
)
def test_synonyms(word, other, is_alike):
    tables = load_tables()
    assert bool(tables.synonym_sets(word) & tables.synonym_sets(other)) == is_alike


@needs_meteor
def test_equal_captions_score_one_and_empty_ones_nothing():
    words = "a dog runs".split()
    assert meteor([words], [[["x"], words]]) == (1.0, [1.0])
    assert meteor([[]], [[words]]) == (0.0, [0.0])
    assert meteor([words], [[[]]]) == (0.0, [0.0])


@needs_meteor
def test_it_is_one_of_the_scores_if_asked_for():
    candidates, references = {1: "A dog runs."}, {1: ["a dog is running", "a cat"]}
    plain, _ = evaluate(candidates, references)
    scores, each = evaluate(candidates, references, with_meteor=True)
    assert scores == {**plain, NAME: pytest.approx(each[1][NAME])}
    assert 0.2 < scores[NAME] < 1


@pytest.fixture
def no_tables(monkeypatch):
    """`load_tables` reads again what a test gives it."""
    load_tables.cache_clear()
    yield monkeypatch
    load_tables.cache_clear()


@pytest.mark.parametrize("package", ["snowballstemmer", "pycocoevalcap"])
def test_a_missing_package_is_one_line(no_tables, tmp_path, package):
    if package == "snowballstemmer":
        no_tables.setattr(sys.modules[meteor.__module__], "load_tables", lambda: None)
        no_tables.setitem(sys.modules, package, None)
    else:
        no_tables.setattr(meteor_tables, "find_spec", lambda name: None)
    with pytest.raises(
        CaffeError, match=rf'{package}.*pip install "caffe_lite\[meteor\]"'
    ) as caught:
        meteor([["a"]], [[["a"]]])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["absent", "no zip", "another jar"])
def test_a_damaged_jar_is_named(no_tables, tmp_path, damage):
    jar = tmp_path / "meteor-1.5.jar"
    if damage == "no zip":
        jar.write_bytes(b"x" * 100)
    elif damage == "another jar":
        with zipfile.ZipFile(jar, "w") as file:
            file.writestr("function/english.words", "the\n")
    no_tables.setattr(meteor_tables, "_jar", lambda: jar)
    with pytest.raises(DataError, match=r"meteor-1\.5\.jar: cannot be read as METEOR 1\.5"):
        load_tables()
