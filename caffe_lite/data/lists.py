"""Text files that list other files, one a line: the sources of HDF5Data and ImageData."""

import os

from caffe_lite.errors import DataError


def read_lines(path: str | os.PathLike[str], what: str) -> list[tuple[int, str]]:
    """Line number and text of the non-blank lines of the list at `path`.

    `what` says in errors what the file must list. Bytes that are not UTF-8 are kept as the file
    system's functions expect them.
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
    numbered = enumerate(os.fsdecode(content).splitlines(), 1)
    lines = [(number, line.strip()) for number, line in numbered if not line.isspace() and line]
    if not lines:
        raise DataError(f"{name}: the list is empty; it must name {what}, one a line")
    return lines
