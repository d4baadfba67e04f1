"""The answers of a trained net on images that it has not seen, and what they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caffe_lite.data.image_records import Entry
from caffe_lite.errors import DataError
from caffe_lite.recognition.classifier import ImageClassifier


@dataclass(frozen=True)
class Answer:
    """An image with its class, the net's answer, and the probabilities (K,)."""

    path: str
    label: int
    answer: int
    probabilities: np.ndarray

    @property
    def confidence(self) -> float:
        return float(self.probabilities[self.answer])


@dataclass(frozen=True)
class ClassScore:
    """One class: its images, how many were recognized, and scores, NaN without images."""

    name: str
    images: int
    right: int
    precision: float
    recall: float
    f1: float


def answers(classifier: ImageClassifier, root: str, entries: Sequence[Entry]) -> list[Answer]:
    """The answers for the images that can be read."""
    found = []
    paths = [root + entry.path for entry in entries]
    for entry, (path, scores) in zip(entries, classifier.scores(paths), strict=True):
        if not isinstance(scores, DataError):
            found.append(Answer(path, entry.label, int(scores.argmax()), scores))
    return found


def class_scores(counts: np.ndarray, names: Sequence[str]) -> list[ClassScore]:
    """The scores of each class from a confusion matrix (K, K): rows true classes, columns answers.

    precision = right / answered,  recall = right / images,  F1 = 2 P R / (P + R)
    """
    scores = []
    for i, name in enumerate(names):
        images, answered, right = (
            int(n) for n in (counts[i].sum(), counts[:, i].sum(), counts[i, i])
        )
        precision = right / answered if answered else float("nan")
        recall = right / images if images else float("nan")
        f1 = 2 * right / (images + answered) if images + answered else float("nan")
        scores.append(ClassScore(name, images, right, precision, recall, f1))
    return scores


def worst(found: Sequence[Answer], count: int) -> list[Answer]:
    """The wrong answers of which the net was surest."""
    wrong = [each for each in found if each.answer != each.label]
    return sorted(wrong, key=lambda each: -each.confidence)[:count]
