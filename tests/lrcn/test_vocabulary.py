"""Vocabulary files, and sentences as ids."""

import pytest

from caffe_lite.errors import DataError
from caffe_lite.lrcn.vocabulary import UNKNOWN, Vocabulary, split_sentence


@pytest.fixture
def vocabulary(tmp_path):
    (tmp_path / "v.txt").write_text("<unk>\na\ndog\nruns\n'\ns\ncafé\n", encoding="utf-8")
    return Vocabulary.read(tmp_path / "v.txt")


def test_line_numbers_are_ids_and_the_end_is_zero(vocabulary):
    assert len(vocabulary) == 8
    assert vocabulary.ids[UNKNOWN] == 1
    assert vocabulary.encode("A dog runs.") == [2, 3, 4]
    assert vocabulary.encode(["dog", "a"]) == [3, 2]
    assert vocabulary.encode("A dog's café") == [2, 3, 5, 6, 7]
    assert vocabulary.decode([2, 3, 4, 0, 2]) == ["a", "dog", "runs"]
    assert vocabulary.sentence([2, 3]) == "a dog"
    assert vocabulary.sentence([0]) == ""


def test_a_file_written_is_the_file_read(vocabulary, tmp_path):
    vocabulary.write(tmp_path / "w.txt")
    assert (tmp_path / "w.txt").read_bytes() == (tmp_path / "v.txt").read_bytes()
    (tmp_path / "dos.txt").write_bytes(b"\xef\xbb\xbf<unk>\r\na\r\ndog")
    assert Vocabulary.read(tmp_path / "dos.txt").words == ("<unk>", "a", "dog")


@pytest.mark.parametrize(
    "sentence, words",
    [
        ("A man, riding   a horse.", ["a", "man", ",", "riding", "a", "horse"]),
        ("Black-and-white T-shirt", ["black", "-", "and", "-", "white", "t", "-", "shirt"]),
        ("It's 5 p.m.", ["it", "'", "s", "5", "p", ".", "m"]),
        ("The end...", ["the", "end", "..."]),
        ("The end!", ["the", "end", "!"]),
        (' "Stop" ', ['"', "stop", '"']),
        ('It says, "go" - "now"!', ["it", "says", ', "', "go", '" - "', "now", '"!']),
        ('one"\n-\u2028 two', ["one", '" -', "two"]),
        ("", []),
    ],
)
def test_sentences_are_split_as_lrcn_splits_them(sentence, words):
    assert split_sentence(sentence) == words


def test_runs_of_punctuation_with_spaces_are_words_of_a_file(tmp_path):
    words = split_sentence('It says, "go" - "now"')
    Vocabulary(words).write(tmp_path / "v.txt")
    read = Vocabulary.read(tmp_path / "v.txt")
    assert read.words == tuple(words) and read.encode(['" - "']) == [5]
    with pytest.raises(DataError, match="2: one word a line is expected, got ' x'"):
        Vocabulary(["a", " x"])


def test_words_that_are_not_there_are_told_or_stand_for_another(vocabulary):
    with pytest.raises(
        DataError,
        match=r'"dogs" is not among the 7 words of .*v.txt; did you mean '
        r'"dog"\?',
    ):
        vocabulary.encode("A dogs runs")
    assert vocabulary.encode("a zebra runs", UNKNOWN) == [2, 1, 4]
    with pytest.raises(DataError, match='has no "<unk>" to replace "zebra"'):
        Vocabulary(["a"]).encode("a zebra", UNKNOWN)
    with pytest.raises(DataError, match="word ids are 0 ... 7, got 8"):
        vocabulary.decode([2, 8])


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "v.txt: the vocabulary is empty"),
        (b"a\ndog\na\n", r'v.txt:3: "a" is there already, in line 1'),
        (b"a\n\ndog\n", "v.txt:2: one word a line is expected, got ''"),
        (b"a\nhot dog\n", "v.txt:2: one word a line is expected, got 'hot dog'"),
        (b"<EOS>\na\n", "v.txt:1: <EOS> has id 0 without being listed; remove this line"),
        (b"a\xff\xfe\n", "v.txt: not a vocabulary: a text file"),
    ],
)
def test_files_that_are_no_vocabulary_are_told(tmp_path, content, message):
    (tmp_path / "v.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        Vocabulary.read(tmp_path / "v.txt")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(DataError, match="gone.txt: no such file"):
        Vocabulary.read(tmp_path / "gone.txt")


def test_a_decomposed_letter_is_one_with_its_mark():
    assert split_sentence("A cafe\u0301, nai\u0308ve.") == ["a", "café", ",", "naïve"]
    assert split_sentence("x\u0302y z\u0301\u0327 हिन्दी") == ["x\u0302y", "ź\u0327", "हिन्दी"]
    assert split_sentence("a\U00020000 x\u0302") == ["a\U00020000", "x\u0302"]
