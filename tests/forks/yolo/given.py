"""Predictions and truths for the tests of YOLO's losses."""

import numpy as np

ANCHORS = [(1.08, 1.19), (2.2, 0.9), (1.5, 2.6)]
CLASSES = 4


def predictions(images=2, height=3, width=5, boxes=3, seed=0, numbers=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(images, boxes * (numbers + CLASSES), height, width))


def truths(images=2, rows=6, objects=(3, 2), seed=1):
    """Rows (class, x, y, width, height); zeros behind the objects."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((images, 1, rows, 5))
    for image, count in zip(range(images), objects, strict=False):
        truth[image, 0, :count, 0] = rng.integers(0, CLASSES, count)
        truth[image, 0, :count, 1:3] = rng.uniform(0.1, 0.9, (count, 2))
        truth[image, 0, :count, 3:] = rng.uniform(0.15, 0.8, (count, 2))
    return truth


def as_ssd(truth):
    """The same objects as SSD's rows."""
    rows = []
    for image, label, x, y, w, h in (
        (i, *row) for i, each in enumerate(truth) for row in each[0] if row[3]
    ):
        rows.append([image, label + 1, 0, x - w / 2, y - h / 2, x + w / 2, y + h / 2, 0])
    return np.array(rows)[None, None]


def biases(anchors=ANCHORS, scale=1):
    return " ".join(f"biases: {w * scale:g} biases: {h * scale:g}" for w, h in anchors)
