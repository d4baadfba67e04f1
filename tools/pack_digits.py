"""Pack the UCI handwritten digits into caffe_lite/datasets/digits.npz (needs scikit-learn).

The train/test split is drawn once, here, and stored: random streams may differ between NumPy
versions, and test digits must never turn into training digits.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TARGET = Path(__file__).parent.parent / "caffe_lite" / "datasets" / "digits.npz"


def pick_test(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a mask of 36 digits of each class, 360 in all."""
    mask = np.zeros(len(labels), bool)
    for digit in range(10):
        mask[rng.permutation(np.flatnonzero(labels == digit))[:36]] = True
    return mask


def main() -> None:
    digits = load_digits()
    images = digits.images.astype(np.uint8)
    labels = digits.target.astype(np.uint8)
    is_test = pick_test(labels, np.random.default_rng(1998))
    np.savez_compressed(TARGET, images=images, labels=labels, is_test=is_test)
    print(f"{TARGET}: {len(images)} digits, {is_test.sum()} for testing")


if __name__ == "__main__":
    main()
