"""What tests see of a picture: runs of a colour, and whether its edges are free."""

import numpy as np
from PIL import ImageColor


def runs(picture, colour, least=8):
    """(y, x, length) of each longest run of `colour` in a row that has one, from the top."""
    match = (np.asarray(picture) == ImageColor.getrgb(colour)).all(axis=2)
    found = []
    for y in np.flatnonzero(match.any(axis=1)):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], match[y].astype(np.int8), [0]])))
        starts, ends = edges[::2], edges[1::2]
        longest = int((ends - starts).argmax())
        if ends[longest] - starts[longest] >= least:
            found.append((int(y), int(starts[longest]), int(ends[longest] - starts[longest])))
    return found


def longest(picture, colour):
    """The length of the longest horizontal run of `colour`, 0 for none."""
    return max((length for _, _, length in runs(picture, colour, 1)), default=0)


def has_free_edges(picture, pixels=6):
    """Whether nothing is drawn on the outermost pixels."""
    image = np.asarray(picture)
    edges = [image[:pixels], image[-pixels:], image[:, :pixels], image[:, -pixels:]]
    return all((edge == 255).all() for edge in edges)


def photo(seed, height=30, width=40):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
