"""Beam search over all images at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caffe_lite.lrcn.decoding.caption import Caption, best_first
from caffe_lite.lrcn.predictor import WordPredictor
from caffe_lite.lrcn.vocabulary import END


@dataclass
class _Hypothesis:
    """The beginning of a sentence; `stream` is where the net carries its state while it lives."""

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
    """The `beam` likeliest captions found about each image of `rows`, the best first.

    At each step the `beam` best of an image's hypotheses are kept: those that have ended, and every
    word after those that have not. Scores are log-probabilities; `per_word` ranks the captions at
    the end by log-probability per word instead. The hypotheses of all images take one forward a
    step.
    """
    scores = predictor.begin(rows)
    beams = [[_Hypothesis((), (), 0.0, stream)] for stream in range(len(rows))]
    for step in range(max_length):
        beams = [_extend(hypotheses, scores, beam) for hypotheses in beams]
        live = [each for hypotheses in beams for each in hypotheses if each.stream is not None]
        if not live or step + 1 == max_length:
            break
        scores = predictor.advance(
            np.array([each.stream for each in live]), np.array([each.ids[-1] for each in live])
        )
        for stream, each in enumerate(live):
            each.stream = stream
    captions = [[Caption(each.ids, each.log_probs) for each in hypotheses] for hypotheses in beams]
    return [best_first(each, per_word=True) for each in captions] if per_word else captions


def _extend(hypotheses: list[_Hypothesis], scores: np.ndarray, beam: int) -> list[_Hypothesis]:
    """The best `beam` of what has ended and of what goes on by one word, the best first."""
    kept = [each for each in hypotheses if each.stream is None]
    live = [each for each in hypotheses if each.stream is not None]
    if live:
        words = np.stack([scores[each.stream] for each in live])
        totals = words + np.array([[each.score] for each in live])
        for place in _largest(totals.ravel(), beam):
            parent, word = divmod(int(place), words.shape[1])
            before = live[parent]
            kept.append(
                _Hypothesis(
                    (*before.ids, word),
                    (*before.log_probs, float(words[parent, word])),
                    float(totals[parent, word]),
                    None if word == END else before.stream,
                )
            )
    return sorted(kept, key=lambda each: -each.score)[:beam]


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Places of the `count` largest values, the largest first; of equals, the first."""
    if count < len(values):
        threshold = np.partition(values, len(values) - count)[len(values) - count]
        places = np.flatnonzero(values >= threshold)
    else:
        places = np.arange(len(values))
    return places[np.argsort(-values[places], kind="stable")][:count]
