"""HDF5 files of unknown origin, read within bounds that the file's own size gives.

HDF5 lets a small file name other files (external links, external and virtual storage), link its
groups in circles, declare arrays of any size and compress them any number of times. None of that
has a use in weights, solver states and training data, so it is an error here.
"""

import os
import zlib
from math import prod
from typing import Any

from caffe_lite.errors import CaffeError
from caffe_lite.proto.files import StrPath, open_input
from caffe_lite.proto.foreign import foreign, shorten
from caffe_lite.proto.sniff import HDF5_SIGNATURE, describe

MOST_INFLATION = 100  # bytes of arrays to a byte of the file
SMALL = 32 << 20  # bytes of arrays that a file of any size may hold
_DEFLATED = 1032  # bytes that deflate packs into one at most
_CHECKSUM = 4  # bytes of fletcher32, which may precede compression
_MOST_LINKS = 16  # soft links on the way to one object

_DEFLATE = 1  # H5Z_FILTER_DEFLATE
_FILTERS = {_DEFLATE: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}


class Hdf5Input:
    """The HDF5 file at `path`, open for reading; use it in a `with` block or call `close`.

    `file` is h5py's. Damage and what is refused raise `error`, one line that begins with the path
    and ends with `remedy`.
    """

    def __init__(self, path: StrPath, error: type[CaffeError], remedy: str) -> None:
        self.path = os.fspath(path)
        self._error, self._remedy = error, remedy
        with open_input(path, self._failure, pipe=False) as file:
            self.size = os.fstat(file.fileno()).st_size
            head = file.read(256)
        other = None if head.startswith(HDF5_SIGNATURE) else describe(head)
        other = other if head else "an empty file"
        import h5py

        self._h5py = h5py
        with foreign(lambda reason: self._unreadable(other or reason)):
            self.file = h5py.File(path, "r")
        self._bytes = 0  # that the arrays found so far take
        self._groups: set[int] = set()
        self._datasets: set[int] = set()

    def __enter__(self) -> "Hdf5Input":
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()

    def reading(self) -> Any:
        """A context in which whatever h5py raises about the file becomes one error."""
        return foreign(
            lambda reason: self._failure(f"damaged HDF5 file ({reason}); {self._remedy}")
        )

    def names(self, group: Any) -> list[str]:
        """The names in `group`, bytes that are not UTF-8 as surrogates; each group is listed once.

        Groups can link to each other, so following every link might never end.
        """
        address = self._address(group)
        if address in self._groups:
            raise self._refusal(group.name, "is linked more than once")
        self._groups.add(address)
        return [os.fsdecode(name) for name in group]

    def find(self, group: Any, name: str) -> Any | None:
        """The object at `name`, a path below `group`, or None; soft links are followed."""
        return self._walk(group, name.encode("utf-8", "surrogateescape"), 0)

    def _walk(self, group: Any, path: bytes, links: int) -> Any | None:
        node: Any = self.file if path.startswith(b"/") else group
        for name in filter(None, path.split(b"/")):
            if not isinstance(node, self._h5py.Group):
                return None
            node = self._child(node, name, links)
        return node

    def _child(self, group: Any, name: bytes, links: int) -> Any | None:
        kinds, proxy = self._h5py.h5l, group.id.links
        if not proxy.exists(name):
            return None
        kind = proxy.get_info(name).type
        shown = name.decode("utf-8", "replace")
        if kind == kinds.TYPE_SOFT:
            if links == _MOST_LINKS:
                raise self._refusal(shown, "is at the end of too many links")
            return self._walk(group, proxy.get_val(name), links + 1)
        if kind != kinds.TYPE_HARD:
            raise self._refusal(shown, "is a link to another file, which is not followed")
        return group[name]

    def check(self, dataset: Any) -> None:
        """Raise unless the values of `dataset` lie in this file and fit the file's size.

        The arrays of a file may take `MOST_INFLATION` times its size together, or `SMALL` bytes.
        """
        address = self._address(dataset)
        if address in self._datasets:
            return
        self._datasets.add(address)
        name, plist, layouts = dataset.name, dataset.id.get_create_plist(), self._h5py.h5d
        layout = plist.get_layout()
        if layout == layouts.VIRTUAL or plist.get_external_count():
            raise self._refusal(name, "keeps its values in another file, which is not opened")
        declared = prod(dataset.shape or (0,)) * dataset.dtype.itemsize
        stored_plainly = layout == layouts.CONTIGUOUS and dataset.id.get_storage_size()
        limit = self.size if stored_plainly else self.limit
        self._bytes += declared
        if declared > limit or self._bytes > self.limit:
            raise self._too_large(name, max(declared, self._bytes))
        if layout == layouts.CHUNKED:
            self._check_chunks(dataset, plist)

    @property
    def limit(self) -> int:
        """The bytes that the arrays of this file may take."""
        return max(SMALL, MOST_INFLATION * self.size)

    def _check_chunks(self, dataset: Any, plist: Any) -> None:
        name = dataset.name
        filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
        if len(set(filters)) != len(filters) or not _FILTERS.keys() >= set(filters):
            raise self._refusal(
                name, f"is compressed by filters other than one each of {list(_FILTERS.values())}"
            )
        size = prod(dataset.chunks) * dataset.dtype.itemsize
        if size > self.limit:
            raise self._too_large(name, size)
        if _DEFLATE in filters and _DEFLATED * dataset.id.get_storage_size() > self.limit:
            for chunk in _chunks(dataset.id):
                skipped = chunk.filter_mask >> filters.index(_DEFLATE) & 1
                if _DEFLATED * chunk.size > self.limit and not skipped:
                    self._check_inflation(dataset, chunk, size)

    def _check_inflation(self, dataset: Any, chunk: Any, size: int) -> None:
        """Refuse a chunk that inflates to more than `size` bytes; HDF5 would inflate all of it."""
        _, data = dataset.id.read_direct_chunk(chunk.chunk_offset)
        inflated = zlib.decompressobj().decompress(data, size + _CHECKSUM + 1)
        if len(inflated) > size + _CHECKSUM:
            raise self._too_large(dataset.name, len(inflated))

    def _address(self, node: Any) -> int:
        return int(self._h5py.h5o.get_info(node.id).addr)

    def _failure(self, what: str) -> CaffeError:
        return self._error(f"{self.path}: {what}")

    def _unreadable(self, reason: str) -> CaffeError:
        return self._failure(
            f"cannot be read as HDF5 ({reason}), it is damaged or cut short; {self._remedy}"
        )

    def _refusal(self, name: str, what: str) -> CaffeError:
        return self._failure(f'"{shorten(name)}" {what}; {self._remedy}')

    def _too_large(self, name: str, size: int) -> CaffeError:
        return self._failure(
            f'"{shorten(name)}" makes {size} bytes of arrays, the file has {self.size}; at most '
            f"{MOST_INFLATION} times the file are read, {self._remedy}"
        )


def _chunks(stored: Any) -> list[Any]:
    """Place and size of each chunk in the file."""
    found: list[Any] = []
    if hasattr(stored, "chunk_iter"):
        stored.chunk_iter(found.append)
    else:  # HDF5 before 1.12.3, where this takes time quadratic in the number of chunks
        found += [stored.get_chunk_info(i) for i in range(stored.get_num_chunks())]
    return found
