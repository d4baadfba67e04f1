"""Text files that list other files, one a line: the sources of HDF5Data and ImageData."""

import codecs
import os
from collections.abc import Iterable

from caffe_lite.errors import DataError
from caffe_lite.proto.atomic import atomic_path


def read_lines(path: str | os.PathLike[str], what: str) -> list[tuple[int, str]]:
    """Line number and text of the non-blank lines of the list at `path`.

    `what` says in errors what the file must list. Lines end as on Unix or Windows; a byte order
    mark is skipped. Bytes that are not UTF-8 are kept as the file system's functions expect them.
    """
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise DataError(f"{name}: the list of {what} cannot be read: {error.strerror}") from None
    if content.startswith(b"version https://git-lfs"):
        raise DataError(f"{name}: a Git LFS pointer, not the list of {what}; fetch the file itself")
    if b"\0" in content[:4096]:
        raise DataError(f"{name}: a binary file; the source must be a text file that lists {what}")
    numbered = enumerate(content.removeprefix(codecs.BOM_UTF8).splitlines(), 1)
    lines = [(number, os.fsdecode(line).strip()) for number, line in numbered if line.strip()]
    if not lines:
        raise DataError(f"{name}: the list is empty; it must name {what}, one a line")
    return lines


def write_lines(path: str | os.PathLike[str], lines: Iterable[str]) -> None:
    """Write a list that `read_lines` reads: the file appears whole or not at all."""
    with atomic_path(path) as partial:
        partial.write_bytes(b"".join(os.fsencode(line) + b"\n" for line in lines))
