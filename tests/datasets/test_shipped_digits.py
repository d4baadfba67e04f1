"""The digits that ship: what they are, and a split that is always the same."""

import hashlib

import numpy as np
import pytest

from caffe_lite.datasets.digits import load_digits
from caffe_lite.errors import DataError


def test_all_of_them():
    images, labels = load_digits()
    assert images.shape == (1797, 8, 8) and images.dtype == np.uint8
    assert (images.min(), images.max()) == (0, 16) and set(labels) == set(range(10))
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_the_split_has_no_digit_twice():
    (train, train_labels), (test, test_labels) = load_digits("train"), load_digits("test")
    assert (len(train), len(test)) == (1437, 360)
    assert np.bincount(test_labels).tolist() == [36] * 10
    scans = {image.tobytes() for image in test}
    assert not scans & {image.tobytes() for image in train}
    assert np.bincount(train_labels).sum() + 360 == 1797
    with pytest.raises(DataError, match='no "val"'):
        load_digits("val")


def test_the_split_never_changes():
    images, labels = load_digits("test")
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    assert digest == "46fd0adc42e7728fc4e64143c971d7d2fc5daa2f87dfcde5e25100b7c3ee41f8"
