"""Sentences laid out as the streams that LRCN's language nets read, one column per stream.

Column n of the arrays is one stream of consecutive sentences. For a sentence w1 ... wk,
`input_sentence` is 0 w1 ... wk, `target_sentence` w1 ... wk 0 and `cont_sentence` 0 1 ... 1, one
step more than the sentence has words. After the last sentence inputs and targets are padded with
-1, the `ignore_label` of the loss, and `cont_sentence` with 0.
"""

import heapq
from collections.abc import Sequence

import numpy as np

END = 0  # the id that begins and ends every sentence
PADDING = -1  # as in LRCN's COCO files

Streams = dict[str, np.ndarray]


def empty_streams(steps: int, count: int, padding: int = PADDING) -> Streams:
    """Empty streams (steps, count), with `input_sentence` filled with `padding`."""
    shape = (steps, count)
    return {
        "cont_sentence": np.zeros(shape, np.float32),
        "input_sentence": np.full(shape, padding, np.float32),
        "target_sentence": np.full(shape, PADDING, np.float32),
    }


def aligned(
    sentences: Sequence[Sequence[int]], buffer: int, steps: int, padding: int = PADDING
) -> Streams:
    """Put each sentence in a slot of `steps` steps, truncated or padded.

    The arrays are (n / buffer * steps, buffer) for n sentences, a multiple of `buffer`. Sentence
    k * buffer + i begins at step k * steps of stream i, so batches of `steps` rows match batches of
    `buffer` images in the order of the sentences.
    """
    arrays = empty_streams(len(sentences) // buffer * steps, buffer, padding)
    for n, words in enumerate(sentences):
        _place(arrays, n // buffer * steps, n % buffer, words, steps)
    return arrays


def unaligned(sentences: Sequence[Sequence[int]], buffer: int) -> Streams:
    """Put whole sentences back to back; each goes to the stream that ends first."""
    ends = [(0, stream) for stream in range(buffer)]  # a heap: the next step of each stream
    starts = []
    for words in sentences:
        start, stream = ends[0]
        starts.append((start, stream))
        heapq.heapreplace(ends, (start + len(words) + 1, stream))
    arrays = empty_streams(max(ends)[0], buffer)
    for (start, stream), words in zip(starts, sentences, strict=True):
        _place(arrays, start, stream, words, len(words) + 1)
    return arrays


def sentence_numbers(streams: Streams) -> np.ndarray:
    """The number of the sentence that each cell belongs to, padding after it included; int."""
    begins = (streams["input_sentence"] == END) & (streams["target_sentence"] != PADDING)
    numbers = np.zeros(begins.shape, int)
    numbers[begins] = np.arange(begins.sum())
    return np.maximum.accumulate(numbers, axis=0)


def _place(arrays: Streams, start: int, stream: int, words: Sequence[int], room: int) -> None:
    length = min(len(words) + 1, room)
    at = slice(start, start + length)
    arrays["cont_sentence"][start + 1 : start + length, stream] = 1
    arrays["input_sentence"][at, stream] = [END, *words][:length]
    arrays["target_sentence"][at, stream] = [*words, END][:length]
