"""METEOR with the stages "exact" and "stem", over a set of captions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from caffe_lite.errors import CaffeError
from caffe_lite.lrcn.metrics.meteor_words import FUNCTION_WORDS, meteor_words
from caffe_lite.lrcn.metrics.ngrams import Tokens

NAME = "METEOR (exact, stem)"  # the COCO tools also use synonyms and paraphrases
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_WEIGHTS = (1.0, 0.6)  # of exact matches and of stems
_BEAM = 40  # partial alignments that are kept

Stem = Callable[[str], str]


@dataclass(frozen=True)
class _Counts:
    """What scores are made from; sums over captions give the score of a set.

    Of the candidate and of the reference: numbers of content and of function words, and of those
    that are matched by each stage. An equal reference has 0 chunks, which are not a fault.
    """

    words: tuple[tuple[int, int], ...]  # [candidate, reference] [content, function]
    matched: tuple[tuple[tuple[int, int], ...], ...]  # [candidate, reference] [stage] [as above]
    chunks: int

    def score(self) -> float:
        precision, recall = (
            _ratio(words, matched) for words, matched in zip(self.words, self.matched, strict=True)
        )
        if not precision or not recall:
            return 0.0
        mean = precision * recall / (_ALPHA * precision + (1 - _ALPHA) * recall)
        totals = [sum(map(sum, side)) for side in self.matched]
        fragmentation = self.chunks / (sum(totals) / 2)
        return mean * (1 - _GAMMA * fragmentation**_BETA)

    def __add__(self, other: _Counts) -> _Counts:
        return _Counts(
            tuple(_sum(a, b) for a, b in zip(self.words, other.words, strict=True)),
            tuple(
                tuple(_sum(a, b) for a, b in zip(mine, its, strict=True))
                for mine, its in zip(self.matched, other.matched, strict=True)
            ),
            self.chunks + other.chunks,
        )


def _sum(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]


def _ratio(words: tuple[int, int], matched: Sequence[tuple[int, int]]) -> float:
    """Matched words over words; content words have the weight DELTA, function words the rest."""
    total = _DELTA * words[0] + (1 - _DELTA) * words[1]
    found = sum(
        weight * (_DELTA * content + (1 - _DELTA) * function)
        for weight, (content, function) in zip(_WEIGHTS, matched, strict=True)
    )
    return found / total if total else 0.0


def meteor(
    candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]
) -> tuple[float, list[float]]:
    """METEOR of tokenized captions, in [0, 1]: that of the whole set, and of each image.

    Words are matched if they are equal or, with a lower weight, have the same stem (Snowball's
    English stemmer). Each image takes its best reference; the set's score is made from the sums of
    their counts. Equal to METEOR 1.5 with `-l en -norm -m "exact stem" -w "1.0 0.6"`; the COCO
    tools also match synonyms and paraphrases and so give higher scores. Denkowski and Lavie, WMT
    2014. Raises CaffeError without the package snowballstemmer (extra `meteor`).
    """
    stem = _stemmer()
    best = [
        max(
            (
                _count(meteor_words(" ".join(candidate)), meteor_words(" ".join(reference)), stem)
                for reference in its_references
            ),
            key=_Counts.score,
        )
        for candidate, its_references in zip(candidates, references, strict=True)
    ]
    total = best[0]
    for counts in best[1:]:
        total += counts
    return total.score(), [counts.score() for counts in best]


def _stemmer() -> Stem:
    try:
        module = import_module("snowballstemmer")
    except ImportError:
        raise CaffeError(
            "METEOR needs the package snowballstemmer, which is not installed: "
            'pip install "caffe_lite[meteor]"'
        ) from None
    return module.stemmer("english").stemWord


@dataclass(frozen=True)
class _Alignment:
    """A partial alignment: pairs (candidate word, reference word, stage), in candidate order."""

    pairs: tuple[tuple[int, int, int], ...] = ()
    exact: int = 0
    chunks: int = 0
    distance: int = 0

    def with_pair(self, i: int, j: int, stage: int) -> _Alignment:
        begins = not self.pairs or self.pairs[-1][:2] != (i - 1, j - 1)
        return _Alignment(
            (*self.pairs, (i, j, stage)),
            self.exact + (stage == 0),
            self.chunks + begins,
            self.distance + begins * abs(i - j),
        )

    def rank(self) -> tuple[int, int, int]:
        """Smaller is better: more exact matches, then fewer chunks, then smaller distances."""
        return -self.exact, self.chunks, self.distance


def align(candidate: Tokens, reference: Tokens, stem: Stem) -> _Alignment:
    """The best one-to-one alignment of equal words and equal stems that a beam search finds.

    As in METEOR 1.5, words that match each other and no other are always aligned, while among
    ambiguous matches those of stems do not count: its totals of weights are whole numbers.
    """
    mine, theirs = [stem(word) for word in candidate], [stem(word) for word in reference]
    options = [
        [(j, int(word != other)) for j, other in enumerate(reference) if mine[i] == theirs[j]]
        for i, word in enumerate(candidate)
    ]
    rivals = [
        sum(any(j == other for other, _ in its) for its in options) for j in range(len(theirs))
    ]
    alignments = [_Alignment()]
    for i, its_options in enumerate(options):
        is_certain = len(its_options) == 1 and rivals[its_options[0][0]] == 1
        grown = []
        for each in alignments:
            used = {j for _, j, _ in each.pairs}
            grown += [each.with_pair(i, j, stage) for j, stage in its_options if j not in used]
        alignments = sorted(grown + (not is_certain) * alignments, key=_Alignment.rank)[:_BEAM]
    return alignments[0]


def _count(candidate: Tokens, reference: Tokens, stem: Stem) -> _Counts:
    found = align(candidate, reference, stem)
    sides = []
    for side, words in enumerate((candidate, reference)):
        by_stage = [[0, 0] for _ in _WEIGHTS]
        for pair in found.pairs:
            by_stage[pair[2]][words[pair[side]] in FUNCTION_WORDS] += 1
        sides.append(tuple((content, function) for content, function in by_stage))
    totals = []
    for words in (candidate, reference):
        function = sum(word in FUNCTION_WORDS for word in words)
        totals.append((len(words) - function, function))
    is_equal = len(found.pairs) == len(candidate) == len(reference) and found.chunks == 1
    return _Counts(tuple(totals), tuple(sides), 0 if is_equal else found.chunks)
