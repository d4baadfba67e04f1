"""Retrieval of captions for images and of images for captions, from the scores of all pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caffe_lite.errors import CaffeError

CUTS = (1, 5, 10)


@dataclass(frozen=True)
class Recall:
    """The rank of the best right answer to each query: `ranks` (queries,) from 1, .5 in a tie."""

    ranks: np.ndarray

    def at(self, cut: int) -> float:
        """Recall at `cut`: the share of queries with a right answer among their first `cut`."""
        return float((self.ranks <= cut).mean())

    @property
    def median_rank(self) -> float:
        return float(np.median(self.ranks))

    @property
    def mean_rank(self) -> float:
        return float(self.ranks.mean())

    def summary(self, cuts: Sequence[int] = CUTS) -> dict[str, float]:
        """ "R@1", "R@5", "R@10", "median rank" and "mean rank"."""
        return {
            **{f"R@{cut}": self.at(cut) for cut in cuts},
            "median rank": self.median_rank,
            "mean rank": self.mean_rank,
        }


def normalize(scores: np.ndarray) -> np.ndarray:
    """Subtract from each caption's scores the logarithm of its mean probability over the images.

    `scores` (images, captions) are log P(caption | image). Without this, a caption that is likely
    for any image would be retrieved for all of them. LRCN's retrieval experiment does the same.
    """
    highest = scores.max(axis=0)
    mean = np.exp(scores - highest).mean(axis=0)
    return scores - (highest + np.log(mean))


def retrieve(scores: np.ndarray, image_of: Sequence[int]) -> tuple[Recall, Recall]:
    """Recall of image -> caption and of caption -> image.

    `scores` (images, captions) are higher for a better match; caption j belongs to image
    `image_of[j]`. An image may have any number of captions, of which the best ranked counts; an
    image without captions is not a query, but a candidate for every caption. Answers with equal
    scores share their mean rank. Raises CaffeError if the shapes disagree.
    """
    images = np.asarray(image_of)
    count = len(scores)
    if (
        not count
        or scores.shape != (count, len(images))
        or not len(images)
        or (not ((0 <= images) & (images < count)).all())
    ):
        raise CaffeError(
            f"retrieval takes scores (images, captions) and each caption's image, "
            f"got scores {scores.shape} and {len(images)} images from "
            f"{images.min(initial=0)} to {images.max(initial=0)}"
        )
    right = images == np.arange(count)[:, None]
    asked = right.any(axis=1)
    return Recall(_ranks(scores[asked], right[asked])), Recall(_ranks(scores.T, right.T))


def _ranks(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Per row, the rank of the best right answer among the wrong ones, ties at their mean.

    NaN counts against the right answer, whichever side it is on.
    """
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    ahead = ((scores > best) | np.isnan(scores) | np.isnan(best)) & ~right
    tied = (scores == best) & ~right
    return 1 + ahead.sum(axis=1) + tied.sum(axis=1) / 2
