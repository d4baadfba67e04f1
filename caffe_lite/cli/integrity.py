"""What a file is and whether it is whole, found by reading all of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.errors import CaffeError, DataError
from caffe_lite.proto.sniff import is_binary

READ = 1 << 20  # bytes at once
GROUP = "a group"


@dataclass
class Report:
    """What was found: `kind` and `dialect` say what the file is, `holds` counts what is in it.

    `checksum` says whether the file has one that was verified; `problem` is "" for a whole file.
    """

    file: str
    kind: str = "unknown"
    dialect: str = ""
    holds: dict[str, Any] = field(default_factory=dict)
    size: int = 0
    sha256: str = ""
    checksum: bool = False
    problem: str = ""

    @property
    def whole(self) -> bool:
        return not self.problem

    def fields(self) -> dict[str, Any]:
        return {**asdict(self), "whole": self.whole}

    def text(self) -> str:
        if self.problem:
            return f"{self.file}: NOT WHOLE: {self.problem.removeprefix(f'{self.file}: ')}"
        what = f"{self.kind}, {self.dialect}" if self.dialect else self.kind
        sum_note = ", checksum verified" if self.checksum else ""
        holds = ", ".join(f"{name} {value}" for name, value in self.holds.items())
        return (
            f"{self.file}: whole{sum_note}\n    {what}: {holds}\n"
            f"    {self.size} bytes, SHA-256 {self.sha256}"
        )


def check_file(name: str) -> Report:
    """Read all of a file, or of a database's folder."""
    report = Report(name)
    try:
        if os.path.isdir(name):
            _check_folder(name, report)
        elif not os.path.isfile(name):
            raise DataError(f"{name}: no such file")
        else:
            _hash(report, [Path(name)])
            _check_regular(name, report)
    except CaffeError as error:
        report.problem = str(error)
    except OSError as error:
        report.problem = f"{name}: cannot be read: {error.strerror or error}"
    return report


def _hash(report: Report, files: Iterable[Path]) -> None:
    hashed = hashlib.sha256()
    for path in files:
        report.size += path.stat().st_size
        with open(path, "rb") as file:
            while part := file.read(READ):
                hashed.update(part)
    report.sha256 = hashed.hexdigest()


def _check_folder(name: str, report: Report) -> None:
    if os.path.isfile(os.path.join(name, "data.mdb")):
        _hash(report, [Path(name, "data.mdb")])
        _check_lmdb(Path(name, "data.mdb"), report)
    elif os.path.isfile(os.path.join(name, "CURRENT")):
        report.kind = "LevelDB"
        files = sorted(path for path in Path(name).iterdir() if path.suffix in (".ldb", ".sst"))
        _hash(report, files)
        from caffe_lite.data.leveldb_source import LeveldbSource

        source = LeveldbSource(name)
        try:
            _check_records(((b"", source.next()) for _ in range(len(source))), name, report)
        finally:
            source.close()
    else:
        raise DataError(f"{name}: a folder without a database (data.mdb or CURRENT)")


def _check_regular(name: str, report: Report) -> None:
    from caffe_lite.data.lmdb_file import is_lmdb

    with open(name, "rb") as file:
        head = file.read(65536)
    if is_lmdb(head):
        _check_lmdb(Path(name), report)
    elif _is_hdf5(name):
        _check_hdf5(name, report)
    elif _is_named_arrays(name):
        _check_weights(name, report)
    elif not is_binary(head):
        _check_list(name, report)
    elif not _is_mean(name, report):
        # Field 1 of a state is its iteration, a number; that of a net is its name.
        (_check_state if head[:1] == b"\x08" else _check_weights)(name, report)


def _is_hdf5(name: str) -> bool:
    from caffe_lite.weights.mapped import MappedFile
    from caffe_lite.weights.read import is_hdf5

    return is_hdf5(MappedFile(name))


def _is_named_arrays(name: str) -> bool:
    from caffe_lite.weights.mapped import MappedFile
    from caffe_lite.weights.npz import is_zip
    from caffe_lite.weights.safetensors import is_safetensors

    file = MappedFile(name)
    return is_zip(file) or is_safetensors(file)


def _check_weights(name: str, report: Report) -> None:
    from caffe_lite.weights import read_weights

    report.kind = "weights"
    weights = read_weights(name)
    weights.verify()
    blobs = [blob for stored in weights.stored.values() for blob in stored if blob is not None]
    types = sorted({str(blob.safe().array().dtype) for blob in blobs})
    report.dialect = ", ".join([weights.dialect, *types])
    report.checksum = weights.checked
    report.holds = {
        "layers": len(weights),
        "blobs": len(blobs),
        "numbers": sum(blob.count for blob in blobs),
        "not finite": sum(int(np.size(a) - np.isfinite(a).sum()) for a in _arrays(blobs)),
    }


def _arrays(blobs: Iterable[Any]) -> Iterable[Any]:
    return (blob.array() for blob in blobs)


def _is_mean(name: str, report: Report) -> bool:
    from caffe_lite.data.mean_file import read_mean

    try:
        shape = read_mean(name).shape
    except CaffeError:
        return False
    report.kind, report.holds = "mean file", {"shape": " x ".join(map(str, shape))}
    return True


def _check_state(name: str, report: Report) -> None:
    from caffe_lite.solvers.snapshot import find_weights
    from caffe_lite.weights.solverstate import read_solverstate

    report.kind = "solver state"
    state = read_solverstate(name)
    report.checksum = state.checked
    report.dialect = "Caffe's own" if state.extra is None else "caffe_lite"
    report.holds = {
        "iteration": state.iteration,
        "history blobs": len(state.history),
        "numbers": sum(blob.safe().count for blob in state.history),
        "weights": state.learned_net or "none",
    }
    if state.learned_net is not None:
        find_weights(state, name)


def _check_hdf5(name: str, report: Report) -> None:
    from caffe_lite.weights.hdf5 import open_hdf5

    with open_hdf5(name) as file, file.reading():
        shapes = {key: _shape(file, key) for key in file.names(file.file)}
    if shapes.get("data") == GROUP:
        _check_weights(name, report)
    elif shapes.keys() >= {"history", "iter"}:
        _check_state(name, report)
    else:
        report.kind, report.holds = "HDF5 data", shapes


def _shape(file: Any, name: str) -> str:
    """The shape of a dataset, all of which is read; GROUP for a group."""
    node = file.find(file.file, name)
    if not hasattr(node, "dtype"):
        return GROUP
    file.check(node)
    return " x ".join(map(str, np.asarray(node[()]).shape)) or "a single number"


def _check_lmdb(path: Path, report: Report) -> None:
    from caffe_lite.data.lmdb_file import LmdbFile

    report.kind = "LMDB"
    file = LmdbFile(path)
    try:
        _check_records(file.records(), str(path), report)
        if report.holds["records"] != file.count:
            raise DataError(
                f"{path}: damaged: {report.holds['records']} records, its head says {file.count}"
            )
    finally:
        file.close()


def _check_records(records: Iterable[tuple[bytes, bytes]], name: str, report: Report) -> None:
    from caffe_lite.data import datum

    shapes: set[tuple[int, ...]] = set()
    count = 0
    for count, (key, value) in enumerate(records, 1):
        place = f'{name}, record {count} "{key.decode(errors="replace")}"'
        shapes.add(datum.decode(value, name=place)[0].shape)
    report.dialect = "datums"
    report.holds = {"records": count, "shapes": _few(shapes)}


def _few(shapes: set[tuple[int, ...]]) -> str:
    shown = [" x ".join(map(str, shape)) for shape in sorted(shapes)[:3]]
    return ", ".join(shown) + (f" and {len(shapes) - 3} more" if len(shapes) > 3 else "")


def _check_list(name: str, report: Report) -> None:
    from caffe_lite.data.lists import read_lines

    first = next(iter(read_lines(name, "files")), (0, ""))[1]
    if first.startswith("# "):
        report.kind = "window file"
        _check_windows(name, report)
    elif any(os.path.isfile(path) for path in (first, _beside(name, first))):
        report.kind = "list of HDF5 files"
        from caffe_lite.data.hdf5 import listed_files

        _check_each(listed_files(name), report, _check_regular)
    else:
        report.kind = "list of images"
        from caffe_lite.data.image_list import ImageList

        entries = ImageList(name, np.random.default_rng(0))
        report.dialect = f"{entries.label_count} labels" if entries.label_count > 1 else "labels"
        paths = [entries.next()[0] for _ in range(len(entries))]
        _check_each(paths, report, _check_image)


def _beside(name: str, path: str) -> str:
    return os.path.join(os.path.dirname(name), path)


def _check_windows(name: str, report: Report) -> None:
    from caffe_lite.data.window_file import WindowFile

    _check_each(WindowFile(name).paths, report, _check_image)


def _check_image(name: str, report: Report) -> None:
    from caffe_lite.data.images import read_image

    read_image(name)


def _check_each(paths: list[str], report: Report, check: Callable[[str, Report], None]) -> None:
    for path in paths:
        check(path, Report(path))
    report.holds = {"files": len(paths)}
