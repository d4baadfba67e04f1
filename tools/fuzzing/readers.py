"""Every reader of files as a function of bytes: it reads them whole, or raises a CaffeError.

`READERS` maps a name to a function (data, folder); `folder` is empty and belongs to the reader.
"""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from caffe_lite.data import datum
from caffe_lite.data.batches import DatumBatches
from caffe_lite.data.frames import read_video_list
from caffe_lite.data.hdf5 import listed_files, read_datasets
from caffe_lite.data.image_list import ImageList
from caffe_lite.data.images import read_image
from caffe_lite.data.mean_file import read_mean
from caffe_lite.data.source import Source
from caffe_lite.data.sources import open_source
from caffe_lite.data.window_file import WindowFile
from caffe_lite.lrcn.activity.classes import read_class_names
from caffe_lite.lrcn.coco import read_annotations
from caffe_lite.lrcn.vocabulary import Vocabulary
from caffe_lite.proto import text
from caffe_lite.proto.load import load_net, load_solver
from caffe_lite.runs.curves import read_run
from caffe_lite.runs.tables import read_tables
from caffe_lite.weights import read_weights
from caffe_lite.weights.solverstate import read_solverstate
from tools.fuzzing import seeds

Reader = Callable[[bytes, Path], object]
READERS: dict[str, Reader] = {}
_TOPS = ("data", "label")


def _reader(name: str) -> Callable[[Reader], Reader]:
    def register(function: Reader) -> Reader:
        READERS[name] = function
        return function

    return register


def _written(data: bytes, folder: Path, name: str = "input") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _of_file(read: Callable[[Path], object], name: str = "input") -> Reader:
    return lambda data, folder: read(_written(data, folder, name))


def _net(path: Path) -> None:
    text.format(load_net(path, "warn"))


def _weights(path: Path) -> None:
    weights = read_weights(path)
    for layer in weights:
        for array in weights[layer]:
            np.asarray(array).sum()


def _state(path: Path) -> None:
    for blob in read_solverstate(path).history:
        np.asarray(blob.array()).sum()


def _records(source: Source, most: int = 300) -> None:
    try:
        for _ in range(min(len(source), most)):
            datum.decode(source.next(), name=source.place)
    finally:
        source.close()


READERS |= {
    "text nets": _of_file(_net),
    "binary nets": _of_file(_net),
    "solvers": _of_file(lambda path: text.format(load_solver(path, "warn")), "a.prototxt"),
    "caffemodels": _of_file(_weights),
    "solver states": _of_file(_state),
    "HDF5 weights": _of_file(_weights),
    "npz weights": _of_file(_weights),
    "safetensors weights": _of_file(_weights),
    "event logs": _of_file(read_run, "train.jsonl"),
    "text logs": _of_file(read_run, "train.log"),
    "tables of text logs": _of_file(read_tables, "train.log"),
    "HDF5 solver states": _of_file(_state),
    "HDF5 data": _of_file(lambda path: read_datasets(str(path), _TOPS)),
    "LMDB": _of_file(lambda path: _records(open_source(str(path), "LMDB"))),
    "image files": _of_file(read_image),
    "grey image files": _of_file(lambda path: read_image(path, 7, 5, color=False)),
    "mean files": _of_file(read_mean),
    "image lists": _of_file(lambda path: ImageList(path, np.random.default_rng(0)).next()),
    "window files": _of_file(WindowFile),
    "video lists": _of_file(lambda path: read_video_list(str(path))),
    "class lists": _of_file(read_class_names),
    "vocabularies": _of_file(Vocabulary.read),
    "COCO captions": _of_file(read_annotations),
}


@_reader("lists of HDF5 files")
def _hdf5_list(data: bytes, folder: Path) -> None:
    for name in ("a.h5", "b.h5"):
        (folder / name).touch()
    listed_files(_written(data, folder))


@_reader("encoded datums")
def _encoded(data: bytes, folder: Path) -> None:
    record = SimpleNamespace(encoded=True, data=data, label=0)
    datum.decode(record)
    datum.decode(record, force_gray=True)


@_reader("datums")
def _datum(data: bytes, folder: Path) -> None:
    """Through the batches of a Data layer, with a crop."""
    transformer: Any = _transformer()
    source: Any = SimpleNamespace(next=lambda: data, place="input", cursor=0, close=None)
    batches = DatumBatches(source, transformer, 1, labels=True)
    batches.fill([np.empty(shape, np.float32) for shape in batches.shapes()])


@cache
def _transformer() -> object:
    from caffe_lite.data.transformer import Transformer
    from caffe_lite.proto import schema

    param = schema.TransformationParameter(crop_size=3, mirror=True, mean_value=[4.0])
    return Transformer(param, True, np.random.default_rng(0))


@_reader("LevelDB")
def _leveldb(data: bytes, folder: Path) -> None:
    """The first byte chooses the file of a small database that the others replace."""
    files = seeds.leveldb_files()
    path = folder / "db"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    names = sorted(files)
    chosen = names[data[0] % len(names)] if data else ""
    for name, content in files.items():
        (path / name).write_bytes(data[1:] if name == chosen else content)
    _records(open_source(str(path), "LEVELDB"))
