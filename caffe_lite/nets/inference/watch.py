"""Whether learned blobs changed since a plan copied them."""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from caffe_lite.blob import Blob


class WatchedWeights:
    """Blobs whose numbers were copied, so a change by anyone must be noticed.

    A blob that nobody asked for since, and of whose memory nobody holds an array, has not changed;
    that costs a fraction of a microsecond. Others are compared by checksum.
    """

    def __init__(self, blobs: Iterable[Blob]) -> None:
        self._blobs = list({id(blob): blob for blob in blobs}.values())
        self._sums = [_checksum(blob) for blob in self._blobs]
        self._places = [blob.memory[0] for blob in self._blobs]
        for blob in self._blobs:
            blob.take_back_data()

    def changed(self) -> bool:
        """Whether a blob has other numbers, or other memory, than at first."""
        for i, blob in enumerate(self._blobs):
            if blob.memory[0] != self._places[i]:
                return True
            if blob.data_is_out():
                if _checksum(blob) != self._sums[i]:
                    return True
                blob.take_back_data()
        return False


def _checksum(blob: Blob) -> int:
    return crc32(blob.data.reshape(-1).view("uint8").data)
