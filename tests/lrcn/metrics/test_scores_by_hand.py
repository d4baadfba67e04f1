"""Scores against the formulas written out for captions small enough to count by hand."""

from itertools import combinations
from math import exp, log, sqrt

import numpy as np
import pytest

from caffe_lite.lrcn.metrics import bleu, cider, rouge_l


def words(text):
    return text.split()


def test_bleu_clips_counts_and_takes_the_closest_length():
    candidate, references = (
        words("the the the cat"),
        [words("the cat sat on the mat"), words("a cat there")],
    )
    scores, each = bleu([candidate], [references])
    # "the" counts twice at most; 3 and 5 away from 4 words: the reference of 3 words is closest
    assert scores[0] == pytest.approx(3 / 4)
    assert scores[1] == pytest.approx(sqrt(3 / 4 * 1 / 3))
    assert each[0] == scores
    assert scores[2] < 1e-3


def test_bleu_breaks_a_tie_of_lengths_towards_the_shorter_reference():
    candidate = words("a b c d")
    longer, shorter = words("a b c d e f"), words("a b")
    assert bleu([candidate], [[longer, shorter]])[0][0] == pytest.approx(1.0)
    assert bleu([candidate], [[longer]])[0][0] == pytest.approx(exp(1 - 6 / 4))


def test_bleu_of_a_set_sums_counts_first():
    candidates = [words("a b"), words("c d e f g h")]
    references = [[words("a x")], [words("c d e f g h")]]
    scores, each = bleu(candidates, references, order=1)
    assert scores[0] == pytest.approx(7 / 8)
    assert [image[0] for image in each] == pytest.approx([1 / 2, 1])


def longest_common(a, b):
    subsequences = {
        tuple(a[i] for i in chosen)
        for n in range(len(a) + 1)
        for chosen in combinations(range(len(a)), n)
    }
    return max(
        n
        for n in range(len(b) + 1)
        for chosen in combinations(range(len(b)), n)
        if tuple(b[i] for i in chosen) in subsequences
    )


def test_rouge_l_against_all_subsequences():
    rng = np.random.default_rng(3)
    for _ in range(30):
        candidate = list(rng.choice(list("abcd"), rng.integers(1, 8)))
        references = [list(rng.choice(list("abcd"), rng.integers(1, 9))) for _ in range(3)]
        common = [longest_common(candidate, reference) for reference in references]
        p = max(c / len(candidate) for c in common)
        r = max(c / len(reference) for c, reference in zip(common, references, strict=True))
        expected = 2.44 * p * r / (r + 1.44 * p) if p else 0
        assert rouge_l([candidate], [references])[0] == pytest.approx(expected)


def test_cider_of_unigrams_by_hand():
    candidates = [words("a dog dog"), words("a cat")]
    references = [[words("a dog"), words("a big dog")], [words("the cat")]]
    # in how many of the 2 images: a 1, dog 1, big 1, the 1, cat 1, so every idf is log 2
    cut = [(1 + 1) / (sqrt(1 + 4) * sqrt(2)), (1 + 1) / (sqrt(5) * sqrt(3))]
    plain = [(1 + 2) / (sqrt(5) * sqrt(2)), (1 + 2) / (sqrt(5) * sqrt(3))]
    second = 1 / 2
    score, each = cider(candidates, references, order=1, sigma=None)
    assert each == pytest.approx([10 * sum(plain) / 2, 10 * second])
    assert score == pytest.approx(sum(each) / 2)
    assert cider(candidates, references, order=1)[1][0] == pytest.approx(10 * sum(cut) / 2)


def test_cider_weighs_words_by_rarity_and_lengths_by_a_gaussian():
    candidates = [words("a b c d e f"), words("z")]
    references = [[words("a b")], [words("a q")]]
    idf = log(2)  # of every n-gram but "a", which both images have
    uni = idf**2 / (idf * sqrt(5) * idf)
    bi = 1 / sqrt(5)
    # the length is the number of bigrams, 5 and 1
    expected = 10 * (uni + bi) / 2 * exp(-(4**2) / (2 * 6.0**2))
    assert cider(candidates, references, order=2)[1][0] == pytest.approx(expected)
    assert cider(candidates, references, order=2, sigma=None)[1][0] == pytest.approx(
        10 * (uni + bi) / 2
    )


def test_a_single_image_scores_zero_in_cider():
    assert cider([words("a dog")], [[words("a dog")]]) == (0.0, [0.0])


def test_an_empty_candidate_scores_nothing():
    assert bleu([[]], [[words("a b")]])[0] == pytest.approx([0] * 4, abs=1e-6)
    assert rouge_l([[]], [[words("a b")]])[0] == 0
    assert cider([[], words("x")], [[words("a b")], [words("y")]])[1] == [0, 0]
