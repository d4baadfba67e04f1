"""Sound inputs of every reader, small, from which mutations start."""

import io
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import lmdb
import numpy as np
from PIL import Image

from caffe_lite.data import datum
from caffe_lite.proto import schema, text
from caffe_lite.weights.convert import convert

ROOT = Path(__file__).parents[2]
_RECORDED = ROOT / "tests" / "reference" / "files"
_UPGRADES = ROOT / "tests" / "proto" / "upgrade"
_RNG = np.random.default_rng(0)
_PIXELS = _RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)
_LARGEST = 20_000  # bytes of a seed


def _files(folder: Path, *patterns: str) -> list[bytes]:
    found = [path for pattern in patterns for path in sorted(folder.rglob(pattern))]
    return [path.read_bytes() for path in found if path.stat().st_size < _LARGEST]


def _definitions(message: Any, *patterns: str) -> list[bytes]:
    return _files(ROOT / "prototxt", *patterns)[:12] + _files(_UPGRADES, *patterns)[:12]


def _binary(definitions: list[bytes], message: Any) -> list[bytes]:
    parsed = [text.parse(each.decode(), message, unknown="warn") for each in definitions]
    return [each.SerializeToString() for each in parsed]


@cache
def _nets() -> list[bytes]:
    return [net for net in _definitions(schema.NetParameter, "*.prototxt") if b"layer" in net]


@cache
def _solvers() -> list[bytes]:
    return _files(ROOT / "prototxt", "*solver*.prototxt")


def _image(form: str, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(_PIXELS).convert(mode).save(file, form, **options)
    return file.getvalue()


def _images() -> list[bytes]:
    return [
        _image("JPEG"),
        _image("JPEG", progressive=True),
        _image("JPEG", "L"),
        _image("PNG"),
        _image("PNG", "RGBA"),
        _image("PNG", "P"),
        _image("BMP"),
        _image("GIF", "P"),
        _image("TIFF"),
        _image("TIFF", compression="tiff_lzw"),
        _image("TIFF", compression="tiff_deflate"),
        _image("TIFF", "1", compression="group4"),
        _image("WEBP"),
        _image("WEBP", lossless=True),
        _image("PPM"),
        _image("PPM", "L"),
        _image("JPEG2000"),
        _image("MPO", save_all=True, append_images=[Image.fromarray(255 - _PIXELS)]),
    ]


def _hdf5(**options: Any) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w", libver=options.pop("libver", None)) as opened:
        rows = np.arange(40.0, dtype=np.float32)
        opened.create_dataset("data", data=rows.reshape(10, 4), **options)
        opened.create_dataset("label", data=rows[:10], **{**options, "chunks": True})
    return file.getvalue()


def _lmdb() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with lmdb.open(folder, map_size=1 << 20) as environment:
            for start in range(0, 60, 20):
                with environment.begin(write=True) as transaction:
                    for i in range(start, start + 20):
                        image = np.full((1, 4, 20 if i % 9 else 1200), i, np.uint8)
                        transaction.put(b"%08d" % i, datum.encode(image, i))
        return Path(folder, "data.mdb").read_bytes()


@cache
def leveldb_files() -> dict[str, bytes]:
    """The files of a small database with a table and a log."""
    import plyvel

    with tempfile.TemporaryDirectory() as folder:
        for start, stop in ((0, 30), (30, 40)):
            database = plyvel.DB(folder, create_if_missing=True)
            for i in range(start, stop):
                database.put(b"%08d" % i, datum.encode(np.full((1, 4, 20), i, np.uint8), i))
            if start == 0:
                database.compact_range()
            database.close()
        return {
            path.name: path.read_bytes()
            for path in Path(folder).iterdir()
            if not path.name.startswith("LO") and path.stat().st_size
        }


def _leveldb() -> list[bytes]:
    files = leveldb_files()
    return [bytes([i]) + files[name] for i, name in enumerate(sorted(files))]


def _mean() -> bytes:
    return schema.BlobProto(
        num=1, channels=3, height=2, width=2, data=list(range(12))
    ).SerializeToString()


def _datums() -> list[bytes]:
    return [
        datum.encode(_PIXELS.transpose(2, 0, 1), 3),
        datum.encode(_PIXELS.transpose(2, 0, 1).astype(np.float32), 3),
        *(schema.Datum(encoded=True, data=each).SerializeToString() for each in _images()[:4]),
    ]


def _converted(ending: str) -> list[bytes]:
    """The smallest recorded caffemodel in another format."""
    smallest = min(_RECORDED.rglob("*.caffemodel"), key=lambda path: path.stat().st_size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"weights{ending}")
        convert(smallest, path)
        return [path.read_bytes()]


def _event_log() -> bytes:
    outputs = {"outputs": {"loss": [2.5], "accuracy": [0.5]}, "loss_weights": {"loss": 1.0}}
    events: list[dict[str, object]] = [
        {"event": "start", "time": 1.0, "net": "n", "iteration": 0, "max_iter": 9},
        {"event": "train", "time": 2.0, "iteration": 0, "loss": 2.5, "learning_rate": 0.1}
        | outputs,
        {"event": "gradients", "time": 2.5, "iteration": 0, "norm": 3.0},
        {"event": "test", "time": 3.0, "iteration": 5, "test_index": 0} | outputs,
        {"event": "done", "time": 4.0, "iteration": 9, "early": False},
    ]
    return "".join(json.dumps(event) + "\n" for event in events).encode()


_TEXT_LOG = b"""I1129 14:03:00.000001  7 solver.cpp:30] Solving n
I1129 14:03:01.000001  7 solver.cpp:30] Iteration 0 (9 iter/s, 0.1s/5 iters), loss = 2.5
I1129 14:03:01.000002  7 solver.cpp:30]     Train net output #0: loss = 2.5 (* 1 = 2.5 loss)
I1129 14:03:01.000003  7 sgd_solver.cpp:30] Iteration 0, lr = 0.1
I1129 14:03:02.000001  7 solver.cpp:30] Iteration 5, Testing net (#0)
I1129 14:03:02.000002  7 solver.cpp:30]     Test net output #0: accuracy = 0.5
"""


def _captions() -> bytes:
    images = [{"id": i, "file_name": f"{i}.jpg"} for i in range(3)]
    captions = [{"image_id": i, "id": i, "caption": f"a word {i}"} for i in range(3)]
    return json.dumps({"images": images, "annotations": captions}).encode()


_WINDOWS = b"""# 0
a.jpg
3 20 30
2
1 0.8 1 2 10 12
0 0.1 3 3 9 9
# 1
b.jpg
3 9 9
1
2 1 0 0 8 8
"""

SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "text nets": _nets,
    "binary nets": lambda: _binary(_nets(), schema.NetParameter),
    "solvers": lambda: _solvers() + _binary(_solvers(), schema.SolverParameter),
    "caffemodels": lambda: _files(_RECORDED, "*.caffemodel"),
    "solver states": lambda: _files(_RECORDED, "*.solverstate"),
    "HDF5 weights": lambda: _files(_RECORDED, "*.caffemodel.h5"),
    "npz weights": lambda: _converted(".npz"),
    "safetensors weights": lambda: _converted(".safetensors"),
    "event logs": lambda: [_event_log()],
    "text logs": lambda: [_TEXT_LOG],
    "tables of text logs": lambda: [_TEXT_LOG],
    "HDF5 solver states": lambda: _files(_RECORDED, "*.solverstate.h5"),
    "HDF5 data": lambda: [
        _hdf5(),
        _hdf5(compression="gzip", shuffle=True),
        _hdf5(compression="lzf", fletcher32=True),
        _hdf5(chunks=(3, 4), libver="latest"),
    ],
    "LMDB": lambda: [_lmdb()],
    "LevelDB": _leveldb,
    "image files": _images,
    "grey image files": _images,
    "encoded datums": _images,
    "datums": _datums,
    "mean files": lambda: [_mean()],
    "image lists": lambda: [b"a b.jpg 3\nc.jpg 12\n", b"a.jpg 1 2 3.5e-2\nb.png 4 5 .6\n"],
    "window files": lambda: [_WINDOWS],
    "video lists": lambda: [b"Class/v_Class_g01_c01.avi 0\nB/v 12\n"],
    "lists of HDF5 files": lambda: [b"a.h5\nb.h5\n"],
    "class lists": lambda: [b"1 Archery\n2 Baseball Pitch\n", b"cat\ndog\n"],
    "vocabularies": lambda: [b"<unk>\na\ncat\n"],
    "COCO captions": lambda: [_captions()],
}
