"""Retrieval: captions for images and images for captions, from scores of all pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caffe_lite.errors import CaffeError

CUTS = (1, 5, 10)


@dataclass(frozen=True)
class Recall:
    """How high the first right answer to each query stands: `ranks` (queries,), from 1."""

    ranks: np.ndarray

    def at(self, cut: int) -> float:
        """The share of queries with a right answer among their first `cut`."""
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
    """Scores less the logarithm of each caption's mean probability over the images.

    `scores` (images, captions) are log P(caption | image). A caption that is likely whatever the
    image shows would else be found for every image. As LRCN's retrieval experiment does.
    """
    highest = scores.max(axis=0)
    mean = np.exp(scores - highest).mean(axis=0)
    return scores - (highest + np.log(mean))


def retrieve(scores: np.ndarray, image_of: Sequence[int]) -> tuple[Recall, Recall]:
    """Recall of image -> caption and of caption -> image.

    `scores` (images, captions) are higher for what belongs together; caption j is about image
    `image_of[j]`. An image has any number of captions, the best placed counts; images without any
    are no queries. A wrong answer that scores the same as the right one stands before it. Raises
    CaffeError where the shapes do not agree.
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
    """Per row, 1 + the wrong answers that are not below the best right one (NaN never is)."""
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    return 1 + (~(scores < best) & ~right).sum(axis=1)
