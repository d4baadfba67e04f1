"""Decode word by word, where each word is chosen as soon as its probabilities are known."""

from collections.abc import Callable, Sequence

import numpy as np

from caffe_lite.lrcn.decoding.caption import Caption
from caffe_lite.lrcn.next_words import NextWords
from caffe_lite.lrcn.predictor import WordPredictor
from caffe_lite.lrcn.vocabulary import END

# (next words, the sentence of each stream, step) -> words and their log-probabilities (streams,)
Choice = Callable[[NextWords, np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def roll_out(
    predictor: WordPredictor, rows: Sequence[int] | np.ndarray, max_length: int, choose: Choice
) -> list[Caption]:
    """One caption per image of `rows`, at most `max_length` ids, with words picked by `choose`."""
    ids: list[list[int]] = [[] for _ in rows]
    log_probs: list[list[float]] = [[] for _ in rows]
    live = np.arange(len(rows))
    following = predictor.begin(rows)
    for step in range(max_length):
        words, scores = choose(following, live, step)
        for sentence, word, score in zip(live, words.tolist(), scores.tolist(), strict=True):
            ids[sentence].append(word)
            log_probs[sentence].append(score)
        going = np.flatnonzero(words != END)
        if not len(going) or step + 1 == max_length:
            break
        live = live[going]
        following = predictor.advance(going, words[going])
    return [Caption(tuple(its), tuple(scores)) for its, scores in zip(ids, log_probs, strict=True)]
