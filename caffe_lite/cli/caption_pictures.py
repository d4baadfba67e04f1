"""The pictures of `caption` and `retrieve`: contact sheets, captions word by word, grids."""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING

from caffe_lite.cli.picture_option import first_of, read_shown

if TYPE_CHECKING:
    import numpy as np

    from caffe_lite.lrcn.captioner import Captioner
    from caffe_lite.lrcn.decoding import Caption
    from caffe_lite.lrcn.pictures.canvas import Picture
    from caffe_lite.lrcn.pictures.retrieval_grid import Match

QUERIES = 50  # of --query in one picture
EXAMPLES = 12  # captions of --annotations in one picture
FOUND = 5  # images for each of them
Captioned = Sequence[tuple[str, str | None, Sequence["Caption"]]]  # name, path, captions


def contact_sheet(captioner: Captioner, results: Captioned) -> Picture:
    """Each image with its captions and their log-probabilities."""
    from caffe_lite.lrcn.pictures.contact_sheet import MOST, CaptionedImage, draw_contact_sheet

    items = [
        CaptionedImage(
            name,
            read_shown(path),
            [(_with_end(captioner, caption), caption.log_prob) for caption in captions],
        )
        for name, path, captions in results[:MOST]
    ]
    return draw_contact_sheet(first_of(len(results), MOST, "images"), items)


def word_by_word(captioner: Captioner, results: Captioned) -> Picture:
    """A row for each caption of each image: its words with their probabilities."""
    from caffe_lite.lrcn.pictures.words import END, MOST, Spoken, draw_words

    rows = [(name, path, caption) for name, path, captions in results for caption in captions]
    words = captioner.vocabulary.words
    items = [
        Spoken(
            name,
            read_shown(path),
            [
                (words[i - 1] if i else END, exp(min(log_prob, 0.0)))
                for i, log_prob in zip(caption.ids, caption.log_probs, strict=True)
            ],
        )
        for name, path, caption in rows[:MOST]
    ]
    return draw_words(first_of(len(rows), MOST, "captions"), items)


def query_grid(
    queries: Sequence[str], paths: Sequence[str], scores: np.ndarray, best: int
) -> Picture:
    """The `best` images for each query, from scores (images, queries)."""
    from caffe_lite.lrcn.pictures.retrieval_grid import draw_retrieval_grid

    blocks = [
        (query, [_match(paths, column, i, rank) for rank, i in enumerate(_order(column)[:best], 1)])
        for query, column in list(zip(queries, scores.T, strict=True))[:QUERIES]
    ]
    title = f"{len(paths):,} images, {first_of(len(queries), QUERIES, 'captions')}"
    return draw_retrieval_grid(title, "", blocks)


def example_grid(
    texts: Sequence[str],
    image_of: Sequence[int],
    paths: Sequence[str],
    scores: np.ndarray,
    summary: str,
) -> Picture:
    """The 5 best images for captions of 12 images all over the set, the right one marked.

    A right image of a lower rank comes last. `summary` is the line below the title.
    """
    from caffe_lite.lrcn.pictures.retrieval_grid import draw_retrieval_grid

    first = {image: number for number, image in reversed(list(enumerate(image_of)))}
    chosen = sorted(first.values())
    count = min(EXAMPLES, len(chosen))
    blocks = []
    for number in [chosen[i * len(chosen) // count] for i in range(count)]:
        column, right = scores[:, number], image_of[number]
        order = _order(column)
        shown = order[:FOUND] if right in order[:FOUND] else [*order[:FOUND], right]
        matches = [_match(paths, column, i, order.index(i) + 1, i == right) for i in shown]
        blocks.append((texts[number], matches))
    title = f"{len(paths):,} images, {count} of {len(texts):,} captions"
    return draw_retrieval_grid(title, summary, blocks)


def _with_end(captioner: Captioner, caption: Caption) -> str:
    """The caption's words, and an ellipsis if the net did not end the sentence."""
    text = captioner.text(caption)
    return text if caption.is_complete else f"{text} …"


def _order(column: np.ndarray) -> list[int]:
    return [int(i) for i in (-column).argsort(kind="stable")]


def _match(
    paths: Sequence[str], column: np.ndarray, image: int, rank: int, is_right: bool = False
) -> Match:
    from caffe_lite.lrcn.pictures.retrieval_grid import Match

    path = paths[image]
    name = os.path.basename(os.path.normpath(path))
    return Match(name, read_shown(path), rank, float(column[image]), is_right)
