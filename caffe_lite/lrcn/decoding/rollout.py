"""Decode word by word, where each word is chosen as soon as its probabilities are known."""

from collections.abc import Callable, Sequence

import numpy as np

from caffe_lite.lrcn.decoding.caption import Caption
from caffe_lite.lrcn.predictor import WordPredictor
from caffe_lite.lrcn.vocabulary import END

# (log-probabilities (streams, words), the sentence of each stream, step) -> words (streams,)
Choice = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


def roll_out(
    predictor: WordPredictor, rows: Sequence[int] | np.ndarray, max_length: int, choose: Choice
) -> list[Caption]:
    """One caption per image of `rows`, at most `max_length` ids, with words picked by `choose`."""
    ids: list[list[int]] = [[] for _ in rows]
    log_probs: list[list[float]] = [[] for _ in rows]
    live = np.arange(len(rows))
    scores = predictor.begin(rows)
    for step in range(max_length):
        words = choose(scores, live, step)
        chosen = scores[np.arange(len(live)), words]
        for sentence, word, score in zip(live, words.tolist(), chosen.tolist(), strict=True):
            ids[sentence].append(word)
            log_probs[sentence].append(score)
        going = np.flatnonzero(words != END)
        if not len(going) or step + 1 == max_length:
            break
        live = live[going]
        scores = predictor.advance(going, words[going])
    return [Caption(tuple(its), tuple(scores)) for its, scores in zip(ids, log_probs, strict=True)]
