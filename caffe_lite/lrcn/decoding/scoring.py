"""Log-probabilities of given sentences."""

from collections.abc import Sequence

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.lrcn.decoding.caption import Caption
from caffe_lite.lrcn.predictor import WordPredictor
from caffe_lite.lrcn.vocabulary import END


def score(
    predictor: WordPredictor,
    rows: Sequence[int] | np.ndarray,
    sentences: Sequence[Sequence[int]],
    batch_values: int = 1 << 24,
) -> list[Caption]:
    """The log-probability of each word of `sentences[i]` given image `rows[i]`.

    Sentences are ids; end them with 0 (<EOS>) to score the end as well. Sentences of similar length
    go through the net together, in forwards of whole sentences that compute at most `batch_values`
    probabilities (but at least one sentence). Raises DataError for an empty sentence.
    """
    order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))
    if order and not sentences[order[0]]:
        raise DataError(f"sentence {order[0]} to score is empty; give it at least one word")
    captions: list[Caption | None] = [None] * len(sentences)
    while order:
        steps = len(sentences[order[-1]])
        count = max(1, batch_values // (steps * predictor.parts.size))
        batch, order = order[-count:], order[:-count]
        targets = np.full((steps, len(batch)), END)
        for column, i in enumerate(batch):
            targets[: len(sentences[i]), column] = sentences[i]
        inputs = np.concatenate([np.full((1, len(batch)), END), targets[:-1]])
        scores = predictor.score(np.asarray(rows)[batch], inputs, targets)
        for column, i in enumerate(batch):
            its = scores[: len(sentences[i]), column].tolist()
            captions[i] = Caption(tuple(sentences[i]), tuple(its))
    return [caption for caption in captions if caption is not None]
