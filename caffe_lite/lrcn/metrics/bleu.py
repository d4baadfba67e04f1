"""BLEU over a set of captions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import exp
from operator import or_

from caffe_lite.lrcn.metrics.ngrams import Ngrams, Tokens, count_ngrams

# The COCO tools add these to avoid 0/0; they affect the last digits of a score.
_TINY, _SMALL = 1e-15, 1e-9


class _Counts:
    """Numbers of matched and possible n-grams, and lengths, of one or more candidates."""

    def __init__(self, order: int) -> None:
        self.matched, self.possible = [0] * order, [0] * order
        self.length = self.reference_length = 0

    def add(self, other: _Counts) -> None:
        for n in range(len(self.matched)):
            self.matched[n] += other.matched[n]
            self.possible[n] += other.possible[n]
        self.length += other.length
        self.reference_length += other.reference_length

    def scores(self) -> list[float]:
        """BLEU-1, BLEU-2 ...: geometric means of the precisions, times the brevity penalty."""
        ratio = (self.length + _TINY) / (self.reference_length + _SMALL)
        brevity = exp(1 - 1 / ratio) if ratio < 1 else 1.0
        scores, product = [], 1.0
        for n, (matched, possible) in enumerate(zip(self.matched, self.possible, strict=True), 1):
            product *= (matched + _TINY) / (possible + _SMALL)
            scores.append(product ** (1 / n) * brevity)
        return scores


def bleu(
    candidates: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    order: int = 4,
) -> tuple[list[float], list[list[float]]]:
    """BLEU-1 to BLEU-`order` of tokenized captions, in [0, 1].

    `references[i]` are those of `candidates[i]`, one or more. Returns the scores of the whole set,
    from counts summed over the images, and the scores of each image. A candidate's reference length
    is the closest one, or the shorter of two equally close.

    Papineni et al., ACL 2002, as the COCO caption evaluation computes it.
    """
    total, each = _Counts(order), []
    for candidate, its_references in zip(candidates, references, strict=True):
        counts = _count(candidate, its_references, order)
        total.add(counts)
        each.append(counts.scores())
    return total.scores(), each


def _count(candidate: Tokens, references: Sequence[Tokens], order: int) -> _Counts:
    counts = _Counts(order)
    length = len(candidate)
    counts.length = length
    counts.reference_length = min((abs(len(r) - length), len(r)) for r in references)[1]
    found = count_ngrams(candidate, order)
    in_references = zip(*(count_ngrams(reference, order) for reference in references), strict=True)
    for n, (mine, theirs) in enumerate(zip(found, in_references, strict=True)):
        most: Ngrams = reduce(or_, theirs)
        counts.matched[n] = sum((mine & most).values())
        counts.possible[n] = max(0, length - n)
    return counts
