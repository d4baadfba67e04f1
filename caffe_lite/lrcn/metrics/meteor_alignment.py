"""The words of a caption aligned with those of a reference, as METEOR 1.5 aligns them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from caffe_lite.lrcn.metrics.ngrams import Tokens

STAGES = ("exact", "stem", "synonym")
_BEAM = 40  # partial alignments that are kept


@dataclass(frozen=True)
class Match:
    """A word of the candidate that matches one of the reference, in a stage of STAGES."""

    candidate: int
    reference: int
    stage: int


@dataclass(frozen=True)
class WordClasses:
    """What words have in common: `stem` and `synonym_sets` of a word."""

    stem: Callable[[str], str]
    synonym_sets: Callable[[str], frozenset[str]]


@dataclass
class _Partial:
    """An alignment of the reference's first words.

    `chunks` counts runs of consecutive matches that have ended; `expected` is the candidate's word
    that would continue the current run, None if there is none.
    """

    matches: tuple[Match, ...] = ()
    exact: int = 0
    chunks: int = 0
    distance: int = 0
    expected: int | None = None

    def with_match(self, match: Match) -> _Partial:
        ends = self.expected is not None and self.expected != match.candidate
        return _Partial(
            (*self.matches, match),
            self.exact + (match.stage == 0),
            self.chunks + ends,
            self.distance,
            match.candidate + 1,
        )

    def without_match(self) -> _Partial:
        return replace(self, chunks=self.chunks + (self.expected is not None), expected=None)

    def rank(self) -> tuple[int, int, int]:
        """Smaller is better: more exact matches, then fewer chunks, then smaller distances."""
        return -self.exact, self.chunks, self.distance


def align(
    candidate: Tokens, reference: Tokens, classes: WordClasses
) -> tuple[tuple[Match, ...], int]:
    """The best one-to-one alignment that a beam search finds, and its number of chunks.

    Words match if they are equal, or else have equal stems, or share a set of synonyms. METEOR 1.5
    adds the weights of stages as whole numbers, so stems and synonyms do not count when alignments
    are compared; a match without rivals is always taken; and the distance of an ambiguous match
    counts for its alternatives, not for itself. All three decide between alignments that are
    otherwise equal, so scores are METEOR's only with them.
    """
    matches = find_matches(candidate, reference, classes)
    by_reference = Counter(match.reference for match in matches)
    by_candidate = Counter(match.candidate for match in matches)
    alignments = [_Partial()]
    for j in range(len(reference)):
        options = [match for match in matches if match.reference == j]
        if len(options) == 1 and by_candidate[options[0].candidate] == by_reference[j] == 1:
            alignments = [
                replace(each, distance=each.distance + _distance(options[0])).with_match(options[0])
                for each in alignments
            ]
        else:
            alignments = [new for each in alignments for new in _grown(each, options)]
        alignments = sorted(alignments, key=_Partial.rank)[:_BEAM]
    best = min((each.without_match() for each in alignments), key=_Partial.rank)
    return best.matches, best.chunks


def find_matches(candidate: Tokens, reference: Tokens, classes: WordClasses) -> list[Match]:
    """All matches by stage. Different words of one stem that are also synonyms match twice."""
    matches = []
    for stage, are_alike in enumerate(
        (lambda a, b: a == b, _equal(classes.stem), _share(classes.synonym_sets))
    ):
        for j, theirs in enumerate(reference):
            for i, mine in enumerate(candidate):
                if (mine == theirs) == (stage == 0) and are_alike(mine, theirs):
                    matches.append(Match(i, j, stage))
    return matches


def _equal(stem: Callable[[str], str]) -> Callable[[str, str], bool]:
    return lambda a, b: stem(a) == stem(b)


def _share(sets: Callable[[str], frozenset[str]]) -> Callable[[str, str], bool]:
    return lambda a, b: not sets(a).isdisjoint(sets(b))


def _grown(partial: _Partial, options: Iterable[Match]) -> Iterable[_Partial]:
    used = {match.candidate for match in partial.matches}
    for option in options:
        if option.candidate not in used:
            yield partial.with_match(option)
            partial = replace(partial, distance=partial.distance + _distance(option))
    yield partial.without_match()


def _distance(match: Match) -> int:
    return abs(match.reference - match.candidate)
