"""Write a split of a captioned data set as the files that LRCN's captioning nets read."""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.data.caption_streams import (
    PADDING,
    Streams,
    aligned,
    sentence_numbers,
    unaligned,
)
from caffe_lite.data.lists import write_lines
from caffe_lite.errors import DataError
from caffe_lite.lrcn.prepare.coco import Captioned, pairs
from caffe_lite.lrcn.vocabulary import UNKNOWN, Vocabulary
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.hdf5_file import new_hdf5

Pair = tuple[str, list[str]]
Report = Callable[[str, int, int], None]  # what is being written, how much is done, of how much

log = logging.getLogger("caffe_lite.captions")

CHUNK = 100_000  # steps of the streams in one HDF5 file
_HASHES = 100_000  # hashes of image paths, which serve as dummy labels, are below this


def write_split(
    out: Path,
    name: str,
    images: Sequence[Captioned],
    vocabulary: Vocabulary,
    *,
    buffer: int = 100,
    steps: int = 20,
    is_aligned: bool = True,
    seed: int = 3,
    chunk: int = CHUNK,
    report: Report = lambda *_: None,
) -> Path:
    """Write `out/NAME_aligned_STEPS_batches/` or `out/NAME_unaligned_batches/` and return it.

    It holds `batch_0.h5`, `batch_1.h5`, ... with the streams of LRCN's original files:
    `cont_sentence`, `input_sentence`, `target_sentence`, `stage_indicators` (1 in a sentence, 0 in
    padding) and `hashed_image_path`; `hdf5_chunk_list.txt`, which lists them; `image_list.txt`, the
    image path of each sentence; and the same with those hashes as dummy labels for ImageData.
    Sentences are shuffled with `seed`; for aligned streams some are repeated to fill the last batch
    of `buffer` images. Complete files are kept. Raises DataError for a folder that was made from
    other data or settings.
    """
    kind = f"aligned_{steps}" if is_aligned else "unaligned"
    folder = out / f"{name}_{kind}_batches"
    chosen = _shuffled(pairs(images), buffer if is_aligned else 1, seed)
    sentences = [vocabulary.encode(words, UNKNOWN) for _, words in chosen]
    _claim(
        folder, chosen, sentences, {"buffer": buffer, "steps": steps, "chunk": chunk, "streams": 5}
    )
    listed = folder / "hdf5_chunk_list.txt"
    if listed.exists():
        log.info("%s is finished already", folder)
        return folder
    streams = aligned(sentences, buffer, steps) if is_aligned else unaligned(sentences, buffer)
    hashes = np.array([_hash(path) for path, _ in chosen])
    streams |= _indicators(streams, hashes, is_aligned)
    total = len(streams["cont_sentence"])
    starts = range(0, total, chunk // steps * steps if is_aligned else chunk)
    files = [folder / f"batch_{i}.h5" for i in range(len(starts))]
    for i, start in enumerate(starts):
        report(str(folder), i, len(files))
        if not files[i].exists():
            _write_chunk(files[i], streams, slice(start, start + starts.step), buffer)
    write_lines(folder / "image_list.txt", [path for path, _ in chosen])
    write_lines(
        folder / "image_list.with_dummy_labels.txt",
        [f"{path} {number}" for (path, _), number in zip(chosen, hashes.tolist(), strict=True)],
    )
    write_lines(listed, [str(file) for file in files])
    report(str(folder), len(files), len(files))
    return folder


def _indicators(streams: Streams, hashes: np.ndarray, is_aligned: bool) -> Streams:
    """`stage_indicators` and `hashed_image_path`; in aligned slots the padding has the hash too."""
    in_sentence = (streams["target_sentence"] != PADDING).astype(np.float32)
    hashed = hashes[sentence_numbers(streams)].astype(np.float32)
    return {
        "stage_indicators": in_sentence,
        "hashed_image_path": hashed if is_aligned else hashed * in_sentence,
    }


def _shuffled(chosen: list[Pair], multiple: int, seed: int) -> list[Pair]:
    if not chosen:
        raise DataError("no captioned images to write; check the image folder")
    rng = np.random.default_rng(seed)
    missing = -len(chosen) % multiple
    chosen = chosen + [chosen[i] for i in rng.integers(len(chosen), size=missing)]
    return [chosen[i] for i in rng.permutation(len(chosen))]


def _claim(
    folder: Path, chosen: list[Pair], sentences: list[list[int]], settings: dict[str, Any]
) -> None:
    """Record in the folder what it is made from; refuse one that was made from something else."""
    content = hashlib.sha1(usedforsecurity=False)
    for (path, _), words in zip(chosen, sentences, strict=True):
        content.update(f"{path} {words}\n".encode("utf-8", "surrogateescape"))
    note = json.dumps({**settings, "content": content.hexdigest()}, indent=1)
    claim = folder / "prepared.json"
    if claim.exists():
        if claim.read_text() != note:
            raise DataError(
                f"{folder}: was made from other captions or settings, or by an earlier version; "
                "remove it, or give another --out"
            )
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be made: {error.strerror}") from None
    with atomic_path(claim) as partial:
        partial.write_text(note)


def _write_chunk(path: Path, streams: Streams, rows: slice, buffer: int) -> None:
    with atomic_path(path) as partial, new_hdf5(partial) as file:
        for name, array in streams.items():
            file[name] = array[rows]
        file["cont"] = streams["cont_sentence"][rows]
        file["buffer_size"] = np.array([buffer], np.int64)


def _hash(path: str) -> int:
    digest = hashlib.sha1(os.fsencode(path), usedforsecurity=False).hexdigest()
    return int(digest, 16) % _HASHES
