"""Host copies of blobs on another device, for code that only knows NumPy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from caffe_lite.blob import Blob
from caffe_lite.types import Array

if TYPE_CHECKING:
    from caffe_lite.backend import Ops


class HostBlob:
    """A blob whose `data` and `diff` are NumPy arrays, copies of the device's.

    Reading `data` or `diff` copies it from the device; `HostBlobs.flush` copies it back with what
    was written into it, after which it must be read again. Other attributes are the blob's.
    """

    def __init__(self, blob: Blob, views: HostBlobs) -> None:
        self.blob, self._views = blob, views

    @property
    def data(self) -> Array:
        return self._views.fetch(self.blob, 0)

    @property
    def diff(self) -> Array:
        return self._views.fetch(self.blob, 1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.blob, name)

    def __repr__(self) -> str:
        return repr(self.blob)

    def _repr_html_(self) -> str:
        return self.blob._repr_html_()


class HostBlobs:
    """The host arrays in use since the last `flush`: one for each buffer on the device."""

    def __init__(self, ops: Ops) -> None:
        self.ops = ops
        # By buffer id: host array, device array, and the blob, kept alive so that the id of its
        # buffer is not reused.
        self._in_use: dict[int, tuple[Array, Array, Blob]] = {}

    def wrap(self, blob: Blob) -> Blob | HostBlob:
        """The blob itself if it is on the host, else a HostBlob of it."""
        return blob if self.ops.on_host else HostBlob(blob, self)

    def wrap_all(self, blobs: Iterable[Blob]) -> list[Blob | HostBlob]:
        """Each blob, wrapped as `wrap` does."""
        return [self.wrap(blob) for blob in blobs]

    def fetch(self, blob: Blob, which: int) -> Array:
        """The host array of data (0) or diff (1); blobs that share memory get one array."""
        device = blob.diff if which else blob.data
        key = blob.buffer_ids[which]
        entry = self._in_use.get(key)
        if entry is None or entry[0].size != device.size:
            self._send(entry)
            entry = self._in_use[key] = (self.ops.to_host(device), device, blob)
        return entry[0].reshape(blob.shape)

    def flush(self) -> None:
        """Copy every host array in use back to the device."""
        for entry in self._in_use.values():
            self._send(entry)
        self._in_use.clear()

    def join(self, other: HostBlobs) -> None:
        """Use and flush one set of host arrays together with `other`.

        For two nets whose blobs share memory: what one writes, the other sees.
        """
        self.flush()
        other.flush()
        self._in_use = other._in_use

    def _send(self, entry: tuple[Array, Array, Blob] | None) -> None:
        if entry is not None:
            host, device, _ = entry
            device[...] = self.ops.asarray(host, dtype=self.ops.dtype).reshape(device.shape)
