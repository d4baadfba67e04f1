"""Sentences laid out as the streams that LRCN's language nets read, a column for each stream.

Column n of the arrays is one stream of sentences, one behind the other. Where a sentence w1 ... wk
stands, `input_sentence` is 0 w1 ... wk, `target_sentence` w1 ... wk 0 and `cont_sentence`
0 1 ... 1, one step longer than the sentence. Behind the last one are the padding, -1 and 0: a
target of -1 is the `ignore_label` of the loss.
"""

import heapq
from collections.abc import Sequence

import numpy as np

END = 0  # the word that begins and ends every sentence
PADDING = -1  # as in LRCN's COCO files

Streams = dict[str, np.ndarray]


def empty_streams(steps: int, count: int, padding: int = PADDING) -> Streams:
    """Streams (steps, count) without a sentence; `padding` is what `input_sentence` holds."""
    shape = (steps, count)
    return {
        "cont_sentence": np.zeros(shape, np.float32),
        "input_sentence": np.full(shape, padding, np.float32),
        "target_sentence": np.full(shape, PADDING, np.float32),
    }


def aligned(
    sentences: Sequence[Sequence[int]], buffer: int, steps: int, padding: int = PADDING
) -> Streams:
    """Every sentence in a slot of `steps` steps, cut off or padded: arrays (n / buffer * steps,
    buffer), n a multiple of `buffer`.

    Sentence k * buffer + i begins at step k * steps of stream i, so that batches of `steps` rows
    go with batches of `buffer` images in the order of the sentences.
    """
    arrays = empty_streams(len(sentences) // buffer * steps, buffer, padding)
    for n, words in enumerate(sentences):
        _place(arrays, n // buffer * steps, n % buffer, words, steps)
    return arrays


def unaligned(sentences: Sequence[Sequence[int]], buffer: int) -> Streams:
    """Sentences whole and back to back: each goes to the stream that is free first."""
    free = [(0, stream) for stream in range(buffer)]
    starts = []
    for words in sentences:
        start, stream = free[0]
        starts.append((start, stream))
        heapq.heapreplace(free, (start + len(words) + 1, stream))
    arrays = empty_streams(max(free)[0], buffer)
    for (start, stream), words in zip(starts, sentences, strict=True):
        _place(arrays, start, stream, words, len(words) + 1)
    return arrays


def _place(arrays: Streams, start: int, stream: int, words: Sequence[int], room: int) -> None:
    length = min(len(words) + 1, room)
    at = slice(start, start + length)
    arrays["cont_sentence"][start + 1 : start + length, stream] = 1
    arrays["input_sentence"][at, stream] = [END, *words][:length]
    arrays["target_sentence"][at, stream] = [*words, END][:length]
