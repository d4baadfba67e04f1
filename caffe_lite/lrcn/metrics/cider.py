"""CIDEr and CIDEr-D over a set of captions."""

from collections import Counter
from collections.abc import Sequence
from math import exp, log, sqrt

from caffe_lite.lrcn.metrics.ngrams import Ngrams, Tokens, count_ngrams

_Vector = dict[tuple[str, ...], float]


class _Caption:
    """A caption as tf-idf vectors, one per n-gram order."""

    def __init__(self, counts: Sequence[Ngrams], frequency: Ngrams, log_images: float) -> None:
        self.vectors: list[_Vector] = [
            {
                ngram: count * (log_images - log(max(1, frequency[ngram])))
                for ngram, count in of_order.items()
            }
            for of_order in counts
        ]
        self.norms = [sqrt(sum(x * x for x in vector.values())) for vector in self.vectors]
        # The COCO tools use the number of bigrams as the length.
        self.length = sum(counts[1].values()) if len(counts) > 1 else 0


def cider(
    candidates: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    order: int = 4,
    sigma: float | None = 6.0,
) -> tuple[float, list[float]]:
    """CIDEr-D of tokenized captions, 0 to 10: the mean over the images, and each image's score.

    The score is the cosine between tf-idf vectors of n-grams, averaged over n = 1 ... `order` and
    over an image's references, times 10. The document frequency of an n-gram is the number of
    images whose references here contain it, so a single image scores 0. CIDEr-D clips the counts of
    a candidate to those of the reference and multiplies by exp(-(difference of lengths)^2 / (2
    sigma^2)); with `sigma` None neither is done, which is plain CIDEr.

    Vedantam et al., CVPR 2015, as the COCO caption evaluation computes it ("CIDEr" there is
    CIDEr-D).
    """
    counted = [[count_ngrams(reference, order) for reference in its] for its in references]
    frequency: Ngrams = Counter()
    for its_references in counted:
        frequency.update({ngram for counts in its_references for each in counts for ngram in each})
    log_images = log(len(counted))
    scores = []
    for candidate, its_references in zip(candidates, counted, strict=True):
        mine = _Caption(count_ngrams(candidate, order), frequency, log_images)
        total = sum(
            _similarity(mine, _Caption(counts, frequency, log_images), sigma)
            for counts in its_references
        )
        scores.append(10 * total / (order * len(its_references)))
    return sum(scores) / len(scores), scores


def _similarity(candidate: _Caption, reference: _Caption, sigma: float | None) -> float:
    """The sum of the cosines of all orders, with CIDEr-D's penalties if `sigma` is set."""
    total = 0.0
    for mine, its, norm, its_norm in zip(
        candidate.vectors, reference.vectors, candidate.norms, reference.norms, strict=True
    ):
        if norm and its_norm:
            cut = (
                (min(x, its.get(ngram, 0.0)) if sigma else x) * its.get(ngram, 0.0)
                for ngram, x in mine.items()
            )
            total += sum(cut) / (norm * its_norm)
    if sigma:
        total *= exp(-((candidate.length - reference.length) ** 2) / (2 * sigma**2))
    return total
