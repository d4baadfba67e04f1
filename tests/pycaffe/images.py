"""Images, and what is done to them, for any module that has pycaffe's interface."""

import numpy as np

# name: image (H, W, K), new size, order of interpolation
RESIZES = {
    "larger": ((5, 6, 3), (8, 11), 1),
    "smaller": ((13, 17, 3), (6, 7), 1),
    "grey": ((6, 5, 1), (4, 9), 1),
    "same": ((4, 5, 3), (4, 5), 1),
    "nearest": ((5, 7, 3), (9, 4), 0),
    "one_row": ((1, 6, 3), (3, 5), 1),
    "six_channels": ((5, 6, 6), (8, 11), 1),
    "two_channels": ((13, 17, 2), (6, 7), 1),
    "two_channels_nearest": ((5, 7, 2), (9, 4), 0),
}

# name: number of images, image, crop
CROPS = {
    "even": (2, (8, 10, 3), (4, 6)),
    "odd": (1, (7, 10, 3), (4, 5)),
    "whole": (3, (4, 5, 2), (4, 5)),
}


def image(shape, seed=0, low=0.0, high=1.0):
    return np.random.RandomState(seed).uniform(low, high, shape).astype(np.float32)


def transformers(transformer_class):
    """By name, a Transformer for input "data" and an image for it."""
    made = {}

    def add(name, shape, given, **settings):
        transformer = transformer_class({"data": shape})
        for setting, value in settings.items():
            getattr(transformer, f"set_{setting}")("data", value)
        made[name] = transformer, given

    add("plain", (1, 3, 4, 5), image((4, 5, 3)), transpose=(2, 0, 1))
    add(
        "imagenet",
        (10, 3, 6, 7),
        image((9, 8, 3)),
        transpose=(2, 0, 1),
        channel_swap=(2, 1, 0),
        raw_scale=255,
        mean=np.array([104.0, 117.0, 123.0]),
        input_scale=0.017,
    )
    add(
        "mean_image",
        (2, 3, 6, 7),
        image((6, 7, 3)),
        transpose=(2, 0, 1),
        channel_swap=(1, 2, 0),
        raw_scale=100,
        mean=image((3, 6, 7), 5, 20, 90).astype(np.float64),
    )
    add(
        "mean_resized",
        (2, 3, 6, 7),
        image((5, 11, 3)),
        transpose=(2, 0, 1),
        raw_scale=2,
        mean=image((3, 9, 12), 6),
    )
    add("grey", (2, 1, 6, 7), image((8, 7, 1)), transpose=(2, 0, 1), mean=image((6, 7), 7))
    add("untransposed", (2, 1, 4, 5), image((4, 5)), raw_scale=3, input_scale=0.2)
    return made
