"""Semantic predictions of videos with their descriptions, as the nets of description read them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.lrcn.generate import Captions


def read_predictions(path: Path) -> np.ndarray:
    """The probabilities (videos, labels) in a .npy file."""
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as an array of numbers: {error}") from None
    if not isinstance(found, np.ndarray) or found.ndim != 2 or found.dtype.kind not in "fiu":
        raise DataError(f"{path}: has no array of numbers (videos, labels)")
    return found.astype(np.float32)


def write_batches(net: Captions, split: str, annotations: Path, predictions: Path) -> None:
    """Write a split's sentences under `net.data`, and beside them the predictions of their videos.

    Row i of `predictions` belongs to the i-th of the "images" in `annotations`, a caption file in
    COCO's form, whose file names are the videos'. The first split makes the vocabulary.
    """
    from caffe_lite.lrcn.prepare.captions import write_split
    from caffe_lite.lrcn.prepare.coco import make_vocabulary, read_captions
    from caffe_lite.lrcn.vocabulary import Vocabulary
    from caffe_lite.proto.atomic import atomic_path
    from caffe_lite.proto.hdf5_file import new_hdf5

    rows = read_predictions(predictions)
    videos = read_captions(annotations, "")
    if len(videos) != len(rows):
        raise DataError(
            f"{predictions}: has {len(rows)} rows for the {len(videos)} videos of {annotations}"
        )
    path = Path(net.data) / "vocabulary.txt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        make_vocabulary(videos).write(path)
    vocabulary = Vocabulary.read(path)
    folder = write_split(
        Path(net.data), split, videos, vocabulary, buffer=net.buffer, steps=net.steps
    )
    row_of = {os.fspath(video.path): row for row, video in enumerate(videos)}
    order = [row_of[name] for name in (folder / "image_list.txt").read_text().splitlines()]
    file = folder / "predictions.h5"
    with atomic_path(file) as partial, new_hdf5(partial) as written:
        written["predictions"] = rows[order]
    (folder / "predictions.txt").write_text(f"{file}\n")
