"""The end of a binary file that this package wrote: its format version and its checksum.

They are two fields beyond every number that Caffe and its forks use, so their readers skip them.
One without the other is damage. A file without either is Caffe's.
"""

from caffe_lite.errors import ModelError
from caffe_lite.proto.binary import CHECKSUM, FORMAT_VERSION
from caffe_lite.proto.wire import LENGTH, VARINT, Field, tag_bytes, varint_bytes
from caffe_lite.weights.checksum import (
    CheckedWriter,
    ChecksumError,
    format_code,
    from_bytes,
    newer_format,
)
from caffe_lite.weights.mapped import MEND, MappedFile

TRAILER = FORMAT_VERSION, CHECKSUM


class Trailer:
    """Collects the two fields while a file's fields are read, and verifies what they say."""

    def __init__(self, file: MappedFile) -> None:
        self._file = file
        self._version: int | None = None
        self._checksum: Field | None = None

    def take(self, field: Field) -> None:
        """Look at one field of the message."""
        if field.number == FORMAT_VERSION and field.kind == VARINT:
            self._version = field.value
        elif field.number == CHECKSUM and field.kind == LENGTH:
            self._checksum = field

    def verify(self) -> str:
        """Verify the file against its checksum, if it has one.

        Large pieces are verified when they are read (`MappedFile.check_pieces`). Returns "", or
        what to say of a file of a newer version, which this one cannot verify. Raises ModelError
        for damage.
        """
        if self._version is None and self._checksum is None:
            return ""
        file, field = self._file, self._checksum
        try:
            if self._version is None or field is None:
                raise ChecksumError("a part of its checksum is missing")
            newer = newer_format(self._version)
            if newer:
                return newer
            head = len(tag_bytes(CHECKSUM, LENGTH) + varint_bytes(field.stop - field.start))
            if field.stop != file.size:
                raise ChecksumError(f"{file.size - field.stop} bytes follow its checksum")
            pieces = from_bytes(file.data[field.start : field.stop], field.start - head)
        except ChecksumError as error:
            raise ModelError(f"{file.path}: damaged: {error}; {MEND}") from None
        file.check_pieces(pieces)
        return ""


def write_trailer(file: CheckedWriter) -> None:
    """Write the two fields: last in the file."""
    file.write(tag_bytes(FORMAT_VERSION, VARINT) + varint_bytes(format_code()))
    checksum = file.checksum()
    file.write(tag_bytes(CHECKSUM, LENGTH) + varint_bytes(len(checksum)) + checksum)
