"""Beam search over all images at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caffe_lite.lrcn.decoding.caption import Caption, best_first
from caffe_lite.lrcn.predictor import WordPredictor
from caffe_lite.lrcn.vocabulary import END


@dataclass
class _Hypothesis:
    """A sentence or its beginning; `stream` is the stream of its state, or None if it has ended."""

    ids: tuple[int, ...]
    log_probs: tuple[float, ...]
    score: float
    stream: int | None


def beam_search(
    predictor: WordPredictor,
    rows: Sequence[int] | np.ndarray,
    beam: int,
    max_length: int,
    per_word: bool = False,
) -> list[list[Caption]]:
    """The `beam` likeliest captions found for each image of `rows`, the likeliest first.

    At each step the `beam` best hypotheses of an image are kept, out of those that have ended and
    every continuation by one word of those that have not. Scores are log-probabilities; with
    `per_word` the captions that remain at the end are sorted by log-probability per word. The
    hypotheses of all images go through the net together.
    """
    words, scores = predictor.begin(rows).top(beam)
    beams = [[_Hypothesis((), (), 0.0, stream)] for stream in range(len(rows))]
    for step in range(max_length):
        best = words.tolist(), scores.tolist()
        beams = [_extend(hypotheses, *best, beam) for hypotheses in beams]
        live = [each for hypotheses in beams for each in hypotheses if each.stream is not None]
        if not live or step + 1 == max_length:
            break
        words, scores = predictor.advance(
            np.array([each.stream for each in live]), np.array([each.ids[-1] for each in live])
        ).top(beam)
        for stream, each in enumerate(live):
            each.stream = stream
    captions = [[Caption(each.ids, each.log_probs) for each in hypotheses] for hypotheses in beams]
    return [best_first(each, per_word=True) for each in captions] if per_word else captions


def _extend(
    hypotheses: list[_Hypothesis], words: list[list[int]], scores: list[list[float]], beam: int
) -> list[_Hypothesis]:
    """The `beam` best of an image's ended hypotheses and continued ones, the best first.

    `words` and `scores` hold the `beam` likeliest next words of each stream: no other continuation
    can be among the best.
    """
    ended = [(each.score, each, END, 0.0) for each in hypotheses if each.stream is None]
    continued = [
        (before.score + score, before, word, score)
        for before in hypotheses
        if before.stream is not None
        for word, score in zip(words[before.stream], scores[before.stream], strict=True)
    ]
    chosen = sorted(ended + continued, key=lambda each: -each[0])[:beam]
    return [
        before if before.stream is None else _continued(before, word, score)
        for _, before, word, score in chosen
    ]


def _continued(before: _Hypothesis, word: int, score: float) -> _Hypothesis:
    return _Hypothesis(
        (*before.ids, word),
        (*before.log_probs, score),
        before.score + score,
        None if word == END else before.stream,
    )
