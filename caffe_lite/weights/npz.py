"""NumPy's .npz files: a zip archive with one .npy file for each array.

Arrays that are not compressed, as np.savez writes them, are read from the mapped file; others are
unpacked when they are read. Arrays of Python objects would need pickle, which runs code: they are
refused.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.lib import format as npy

from caffe_lite.errors import ModelError
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath
from caffe_lite.proto.foreign import foreign, shorten
from caffe_lite.proto.hdf5_input import MOST_INFLATION, SMALL
from caffe_lite.types import Array
from caffe_lite.weights.crc import Sum, Sums, bytes_of
from caffe_lite.weights.mapped import MappedBlob, MappedFile, Run
from caffe_lite.weights.named import Layers, arrange, blob_name, describe
from caffe_lite.weights.stored import StoredBlob, Weights

TEXTS = "metadata.json"
_SIGNATURE = b"PK\x03\x04"
_LOCAL_HEADER = 30  # bytes before the member's name
_MOST_HEADER = 12_000  # bytes of an array's header that are read
_MOST_MEMBERS = 250_000
_MOST_AXES = 32
_KINDS = "fiub"


class PackedBlob(StoredBlob):
    """A blob in a compressed member, or one in column-major order."""

    def __init__(
        self, archive: "Archive", member: zipfile.ZipInfo, dtype: np.dtype[Any], header: "Header"
    ) -> None:
        self._archive, self._member, self._header = archive, member, header
        self._dtype, self.shape = dtype, header.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    def safe(self) -> StoredBlob:
        self.array()  # its CRC is verified as it is unpacked
        return self

    def array(self) -> Array:
        data = self._archive.read(self._member)[self._header.size :]
        flat = np.frombuffer(data, self._dtype, prod(self.shape))
        return flat.reshape(self.shape, order="F" if self._header.column_major else "C")

    def read_into(self, out: Array) -> None:
        out[...] = self.array().reshape(out.shape)


class Header:
    """What precedes the values of a .npy file; `size` is its number of bytes."""

    def __init__(self, data: bytes) -> None:
        file = io.BytesIO(data)
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"version {version} of the .npy format is not read")
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        self.shape, self.column_major, self.dtype = read(file)
        self.size = file.tell()
        if len(self.shape) > _MOST_AXES or any(n < 0 for n in self.shape):
            raise ValueError("its shape is not one")


class Archive:
    """The zip archive in a mapped file."""

    def __init__(self, file: MappedFile) -> None:
        self.file = file
        with foreign(self.damaged):
            self._zip = zipfile.ZipFile(io.BufferedReader(_Raw(file)))
        self.members = self._zip.infolist()
        stored = sum(m.file_size for m in self.members if m.compress_type == zipfile.ZIP_STORED)
        packed = sum(m.file_size for m in self.members) - stored
        limit = max(SMALL, MOST_INFLATION * file.size)
        if stored > file.size or packed > limit or len(self.members) > _MOST_MEMBERS:
            raise ModelError(
                f"{file.path}: {len(self.members)} arrays of {stored + packed} bytes in a file of "
                f"{file.size}; at most {MOST_INFLATION} times the file are read"
            )

    def damaged(self, reason: str) -> ModelError:
        return ModelError(f"{self.file.path}: damaged npz file: {reason}")

    def read(self, member: zipfile.ZipInfo, most: int = -1) -> bytes:
        """The first `most` bytes of a member, or all, whose CRC is then verified."""
        with foreign(self.damaged), self._zip.open(member) as opened:
            data = opened.read(most if most >= 0 else member.file_size + 1)
        if len(data) != member.file_size and most < 0:
            raise self.damaged(f'"{shorten(member.filename)}" has another size')
        return data

    def start(self, member: zipfile.ZipInfo) -> int:
        """The byte at which the content of a member begins."""
        offset = member.header_offset
        local = self.file.data[offset : offset + _LOCAL_HEADER]
        if len(local) < _LOCAL_HEADER or local[:4] != _SIGNATURE:
            raise self.damaged(f'"{shorten(member.filename)}" is not where it should be')
        start = offset + _LOCAL_HEADER
        start += int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        if start + member.file_size > self.file.size:
            raise self.damaged(f'"{shorten(member.filename)}" is cut short')
        return start


class _Raw(io.RawIOBase):
    """A mapped file as zipfile reads it."""

    def __init__(self, file: MappedFile) -> None:
        self._file, self._position = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        if base + offset < 0:
            raise OSError("a position before the file")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        part = self._file.data[self._position : self._position + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)


def is_zip(file: MappedFile) -> bool:
    """Whether the file begins like a zip archive."""
    return file.data[: len(_SIGNATURE)] == _SIGNATURE


def read_npz(file: MappedFile) -> Weights:
    """The layers of a file whose arrays are named "<layer>/<number>"; ModelError for others."""
    blobs, texts, sums = read_arrays(file)
    described = arrange(file.path, blobs, texts)
    return Weights(
        file.path,
        described.layers,
        file,
        "npz",
        sparse=True,
        definition=described.definition,
        sums=sums,
    )


def read_arrays(file: MappedFile) -> tuple[dict[str, StoredBlob], dict[str, Any], Sums]:
    """The arrays of an npz file by name, its texts, and its CRCs; ModelError for damage."""
    archive = Archive(file)
    blobs: dict[str, StoredBlob] = {}
    texts: dict[str, Any] = {}
    sums = []
    for member in archive.members:
        name = member.filename
        if name == TEXTS:
            with foreign(archive.damaged):
                texts = json.loads(archive.read(member))
            if not isinstance(texts, dict):
                raise archive.damaged(f"{TEXTS} is not an object")
        elif not name.endswith(".npy"):
            raise ModelError(
                f'{file.path}: "{shorten(name)}" is not an array (.npy): a zip archive or PyTorch '
                "file, not an npz file; `caffe_lite import` reads the weights of other programs"
            )
        elif name.removesuffix(".npy") in blobs:
            raise archive.damaged(f'"{shorten(name)}" is there twice')
        else:
            blobs[name.removesuffix(".npy")] = _blob(archive, member)
            if member.compress_type == zipfile.ZIP_STORED:
                start = archive.start(member)
                sums.append(Sum(name, start, member.file_size, member.CRC))
    if not blobs:
        raise archive.damaged("it holds no arrays")
    return blobs, texts, Sums(file, sums)


def _blob(archive: Archive, member: zipfile.ZipInfo) -> StoredBlob:
    shown = shorten(member.filename)
    with foreign(lambda reason: archive.damaged(f'"{shown}": {reason}')):
        header = Header(archive.read(member, _MOST_HEADER))
    dtype = np.dtype(header.dtype)
    if dtype.kind not in _KINDS:
        raise ModelError(
            f'{archive.file.path}: "{shown}" has the type {shorten(str(dtype))}; weights are '
            "numbers"
        )
    if header.size + prod(header.shape) * dtype.itemsize != member.file_size:
        raise archive.damaged(f'"{shown}" has {member.file_size} bytes, not those of its shape')
    one_axis = max(header.shape, default=1) == prod(header.shape)
    if member.compress_type != zipfile.ZIP_STORED or (header.column_major and not one_axis):
        return PackedBlob(archive, member, dtype, header)
    run = Run(archive.start(member) + header.size, prod(header.shape), dtype.itemsize)
    return MappedBlob(archive.file, header.shape, False, dtype.str, [run])


def write_npz(layers: Layers, definition: str, path: StrPath) -> None:
    """Write blobs as arrays "<layer>/<number>", with their description; all of them or nothing.

    np.load reads the file. One array is in memory at a time.
    """
    blobs = {
        blob_name(layer, i): blob
        for layer, stored in layers.items()
        for i, blob in enumerate(stored)
        if blob is not None
    }
    write_arrays(blobs, describe(layers, definition), path)


def write_arrays(blobs: Mapping[str, StoredBlob], texts: Mapping[str, str], path: StrPath) -> None:
    """Write named arrays, and the `texts` as JSON."""
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(zipfile.ZipInfo(TEXTS), json.dumps(texts, indent=1, ensure_ascii=False))
        for name, blob in blobs.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            size = blob.count * blob.dtype.itemsize
            with archive.open(member, "w", force_zip64=size >= zipfile.ZIP64_LIMIT) as file:
                descr = npy.dtype_to_descr(blob.dtype.newbyteorder("<"))
                npy.write_array_header_1_0(
                    file, {"descr": descr, "fortran_order": False, "shape": blob.shape}
                )
                file.write(bytes_of(blob))
