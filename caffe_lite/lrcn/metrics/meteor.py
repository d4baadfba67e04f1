"""METEOR with the stages "exact", "stem" and "synonym", over a set of captions."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

from caffe_lite.errors import CaffeError
from caffe_lite.lrcn.metrics.meteor_alignment import STAGES, WordClasses, align
from caffe_lite.lrcn.metrics.meteor_tables import load_tables
from caffe_lite.lrcn.metrics.meteor_words import meteor_words
from caffe_lite.lrcn.metrics.ngrams import Tokens

NAME = f"METEOR ({', '.join(STAGES)})"  # the COCO tools also match paraphrases
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_WEIGHTS = (1.0, 0.6, 0.8)  # of the stages


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

    Words are matched if they are equal or, with lower weights, have the same stem (Snowball's
    English stemmer) or are synonyms (WordNet). Each image takes its best reference; the set's score
    is made from the sums of their counts. Equal to METEOR 1.5 with `-l en -norm -m "exact stem
    synonym" -w "1.0 0.6 0.8"`; the COCO tools also match paraphrases. Denkowski and Lavie, WMT
    2014. Raises CaffeError without the packages of the extra `meteor`, snowballstemmer and
    pycocoevalcap, whose tables are read; Java is not needed.
    """
    tables = load_tables()
    classes = WordClasses(_stemmer(), lru_cache(maxsize=None)(tables.synonym_sets))

    def words(caption: Tokens) -> Tokens:
        return meteor_words(" ".join(caption), tables.abbreviations)

    best = [
        max(
            (
                _counts(words(candidate), words(reference), classes, tables.function_words)
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


def _stemmer() -> Callable[[str], str]:
    try:
        module = import_module("snowballstemmer")
    except ImportError:
        raise CaffeError(
            "METEOR needs the package snowballstemmer, which is not installed: "
            'pip install "caffe_lite[meteor]"'
        ) from None
    return lru_cache(maxsize=None)(module.stemmer("english").stemWord)


def _counts(
    candidate: Tokens, reference: Tokens, classes: WordClasses, function_words: Container[str]
) -> _Counts:
    matches, chunks = align(candidate, reference, classes)
    matched, totals = [], []
    for side, words in (("candidate", candidate), ("reference", reference)):
        by_stage = [[0, 0] for _ in STAGES]
        for match in matches:
            by_stage[match.stage][words[getattr(match, side)] in function_words] += 1
        matched.append(tuple((content, function) for content, function in by_stage))
        function = sum(word in function_words for word in words)
        totals.append((len(words) - function, function))
    is_equal = len(matches) == len(candidate) == len(reference) and chunks == 1
    return _Counts(tuple(totals), tuple(matched), 0 if is_equal else chunks)
