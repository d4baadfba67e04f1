"""Export of the included data sets in the formats that the nets in prototxt/ read.

Every file appears whole or not at all. `dataset.json` holds the settings: a run with the same
settings writes only missing files, and a run with others is an error.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from caffe_lite.data import datum
from caffe_lite.data.images import write_image
from caffe_lite.data.lmdb_writer import LmdbWriter
from caffe_lite.datasets.digits import load_digits
from caffe_lite.errors import DataError
from caffe_lite.proto.atomic import atomic_folder, atomic_path
from caffe_lite.proto.hdf5_file import new_hdf5

Progress = Callable[[int, int, str], None]  # done, total, what was just written


class Folder:
    """The folder that a data set is written to, with progress reported step by step."""

    def __init__(
        self,
        out: str | os.PathLike[str],
        settings: Mapping[str, object],
        steps: int,
        progress: Progress | None = None,
    ) -> None:
        self.path = Path(out)
        self._total = steps
        self._done = 0
        self._progress = progress
        manifest = self.path / "dataset.json"
        text = json.dumps(settings, indent=1) + "\n"
        if manifest.exists() and manifest.read_text() != text:
            raise DataError(f"{self.path}: holds other data (see {manifest}); write elsewhere")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{self.path}: cannot be made: {error.strerror}") from None
        self.text("dataset.json", text)

    def step(self, what: str) -> None:
        """Report a finished step to the caller."""
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total, what)

    def text(self, name: str, content: str) -> None:
        target = self._missing(name)
        if target is not None:
            with atomic_path(target) as temporary:
                temporary.write_text(content)

    def images(self, name: str, files: Mapping[str, np.ndarray]) -> None:
        """Write a folder of images (H, W, C) by file name: all of them or none."""
        target = self._missing(name)
        if target is None:
            return
        with atomic_folder(target) as temporary:
            for file, image in files.items():
                write_image(temporary / file, image)

    def hdf5(self, name: str, datasets: Callable[[], Mapping[str, np.ndarray]]) -> None:
        """Write an HDF5 file; `datasets` is called only if it is missing."""
        target = self._missing(name)
        if target is None:
            return
        with atomic_path(target) as temporary, new_hdf5(temporary) as file:
            for key, array in datasets().items():
                rows = min(len(array), 320)
                chunks = (rows, *array.shape[1:])
                file.create_dataset(
                    key, data=array, chunks=chunks, compression="gzip", compression_opts=1
                )

    def lmdb(self, name: str, records: Iterable[bytes]) -> None:
        """Write an LMDB, a folder, of Datum records."""
        if not (self.path / name / "data.mdb").exists():
            with LmdbWriter(self.path / name) as writer:
                for record in records:
                    writer.put(record)

    def _missing(self, name: str) -> Path | None:
        target = self.path / name
        if target.exists():
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def write_digits(out: str | os.PathLike[str], progress: Progress | None = None) -> Path:
    """Write the handwritten digits under `out`; return its path.

    For "train" (shuffled once) and "test": `train.txt` lists `train.h5` with `data` (N, 1, 8, 8),
    0..1, and `label` (N,), for HDF5Data; `train_lmdb` holds datums of 0..255 for Data;
    `train_images.txt` lists `images/train/*.png` with labels for ImageData (its `root_folder` is
    `out` with a slash).
    """
    folder = Folder(out, {"dataset": "digits", "version": 1}, 6, progress)
    for split in ("train", "test"):
        images, labels = load_digits(split)
        if split == "train":
            order = np.random.default_rng(0).permutation(len(labels))
            images, labels = images[order], labels[order]
        ink = images.astype(np.float32)[:, None] / 16
        datasets = {"data": ink, "label": labels.astype(np.float32)}
        folder.hdf5(f"{split}.h5", partial(dict, datasets))
        folder.text(f"{split}.txt", f"{split}.h5\n")
        folder.step(f"{split}.h5")
        grey = np.rint(ink * 255).astype(np.uint8)
        pairs = list(zip(grey, labels.tolist(), strict=True))
        folder.lmdb(f"{split}_lmdb", [datum.encode(image, label) for image, label in pairs])
        folder.step(f"{split}_lmdb")
        files = {f"{row:05d}.png": image.transpose(1, 2, 0) for row, image in enumerate(grey)}
        folder.images(f"images/{split}", files)
        rows = zip(files, labels.tolist(), strict=True)
        lines = [f"images/{split}/{file} {label}\n" for file, label in rows]
        folder.text(f"{split}_images.txt", "".join(lines))
        folder.step(f"{split}_images.txt")
    return folder.path
