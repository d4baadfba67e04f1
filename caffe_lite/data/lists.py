"""Text files that list other files, one per line: the sources of HDF5Data and ImageData."""

import codecs
import io
import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from caffe_lite.errors import DataError
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import read_input
from caffe_lite.proto.sniff import LFS_START

_WHOLE = re.compile(r"[+-]?[0-9]+")
_INT32 = range(-(2**31), 2**31)


def read_lines(path: str | os.PathLike[str], what: str) -> Iterator[tuple[int, str]]:
    """Line number and text of each non-blank line of the list at `path`; at least one.

    `what` says in errors what the file must list. Lines end as on Unix or Windows; a byte order
    mark is skipped. Bytes that are not UTF-8 become surrogates, as in names of files.
    """
    name = os.fspath(path)
    content = read_input(
        path, lambda reason: DataError(f"{name}: {reason}; the source must list {what}")
    )
    if content.startswith(LFS_START):
        raise DataError(f"{name}: a Git LFS pointer, not the list of {what}; fetch the file itself")
    if b"\0" in content:
        raise DataError(f"{name}: a binary file; the source must be a text file that lists {what}")
    lines = _lines(content.removeprefix(codecs.BOM_UTF8))
    first = next(lines, None)
    if first is None:
        raise DataError(f"{name}: the list is empty; it must name {what}, one per line")
    return chain([first], lines)


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    """One line at a time: a list of them would take several times the file's memory."""
    for number, line in enumerate(io.BytesIO(content), 1):
        text = os.fsdecode(line).strip()
        if text:
            yield number, text


def whole_number(text: str) -> int | None:
    """The int32 that `text` is, as Caffe's lists hold them, or None."""
    digits = text.lstrip("+-").lstrip("0")
    if not _WHOLE.fullmatch(text) or len(digits) > 10:  # int() refuses thousands of digits
        return None
    value = int(digits or "0") * (-1 if text[0] == "-" else 1)
    return value if value in _INT32 else None


def write_lines(path: str | os.PathLike[str], lines: Iterable[str]) -> None:
    """Write a list that `read_lines` reads: the file appears whole or not at all."""
    with atomic_path(path) as partial:
        partial.write_bytes(b"".join(os.fsencode(line) + b"\n" for line in lines))
