"""Lists, images and label images for the tests of layers that read pairs."""

import numpy as np

from caffe_lite.data.images import write_image
from caffe_lite.testing import make_layer

RNG = np.random.default_rng(12)
SIZES = [(8, 10), (9, 7), (12, 11), (6, 13)]


def write_pairs(folder, name="pairs.txt", sizes=SIZES, end=""):
    """Images "i0.png" and label images "l0.png" of these sizes, a list, and their arrays."""
    pairs, lines = [], []
    for i, size in enumerate(sizes):
        image = RNG.integers(0, 256, (*size, 3), dtype=np.uint8)
        labels = RNG.integers(0, 5, (*size, 1), dtype=np.uint8)
        write_image(folder / f"i{i}.png", image)
        write_image(folder / f"l{i}.png", labels)
        lines.append(f"i{i}.png l{i}.png{end}")
        pairs.append((image, labels))
    (folder / name).write_text("\n".join(lines) + "\n")
    return pairs


def write_list(path):
    """A list at `path` of pairs of one size, for samples and the contract."""
    write_pairs(path.parent, path.name, [(14, 16)] * 3, end=" 2 3 9 12")


def start(layers, prototxt, tops=2, **options):
    """Build a data layer; `layers` closes it."""
    run = make_layer(prototxt, tops=tops, **options)
    layers.append(run.layer)
    return run


def flat(image):
    """(H, W, C) as (C, H, W) floats."""
    return image.transpose(2, 0, 1).astype(float)
