"""Host arrays of blobs that live on another device, for code that knows NumPy alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from caffe_lite.blob import Blob

Array = Any


class HostBlob:
    """A blob seen from the host: `data` and `diff` are NumPy arrays.

    An array is fetched when it is asked for, and is sent back, with what was written into it, by
    `HostBlobs.flush`; ask again after that. Everything else is the blob's own.
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


class HostBlobs:
    """The host arrays that were handed out since the last `flush`, one for each device memory."""

    def __init__(self, ops: Any) -> None:
        self.ops = ops
        # Host array, device array, and the blob, which keeps the key from being another's.
        self._out: dict[int, tuple[Array, Array, Blob]] = {}

    def wrap(self, blob: Blob) -> Any:
        """The blob itself where it lives on the host, else its HostBlob."""
        return blob if self.ops.name == "cpu" else HostBlob(blob, self)

    def wrap_all(self, blobs: Iterable[Blob]) -> list[Any]:
        return [self.wrap(blob) for blob in blobs]

    def fetch(self, blob: Blob, which: int) -> Array:
        """The host array of data (0) or diff (1); blobs that share memory get one array."""
        device = blob.diff if which else blob.data
        key = blob.buffer_ids[which]
        entry = self._out.get(key)
        if entry is None or entry[0].size != device.size:
            self._send(entry)
            entry = self._out[key] = (self.ops.to_host(device), device, blob)
        return entry[0].reshape(blob.shape)

    def flush(self) -> None:
        """Send every array that was handed out back to the device."""
        for entry in self._out.values():
            self._send(entry)
        self._out.clear()

    def join(self, other: HostBlobs) -> None:
        """Hand out and flush one set of arrays with `other`, whose blobs share memory with ours."""
        self.flush()
        other.flush()
        self._out = other._out

    def _send(self, entry: tuple[Array, Array, Blob] | None) -> None:
        if entry is not None:
            host, device, _ = entry
            device[...] = self.ops.asarray(host, dtype=self.ops.dtype).reshape(device.shape)
