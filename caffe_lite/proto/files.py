"""Files opened for reading, with one clear line where that fails."""

import os
import stat
from typing import IO

from caffe_lite.errors import PrototxtError
from caffe_lite.proto.foreign import MakeError, foreign

StrPath = str | os.PathLike[str]


def open_input(path: StrPath, make_error: MakeError, pipe: bool = True) -> IO[bytes]:
    """Open the file at `path` for reading, or raise `make_error("no such file ...")` or the like.

    Devices are refused, because they may never end; pipes too with `pipe` False, because they may
    never begin.
    """
    with foreign(lambda reason: make_error(f"cannot be read: {reason}")):
        try:
            mode = os.stat(path).st_mode
        except FileNotFoundError:
            folder = os.path.dirname(os.path.abspath(path))
            raise make_error(f"no such file (looked in {folder})") from None
        if stat.S_ISDIR(mode):
            raise make_error("is a folder; a file is expected")
        if not stat.S_ISREG(mode) and not (pipe and stat.S_ISFIFO(mode)):
            kind = "pipe" if stat.S_ISFIFO(mode) else "device or socket"
            raise make_error(f"is a {kind}; a file is expected")
        return open(path, "rb")


def read_input(path: StrPath, make_error: MakeError, pipe: bool = True) -> bytes:
    """The contents of the file at `path`; raises as `open_input` does."""
    with (
        open_input(path, make_error, pipe) as file,
        foreign(lambda reason: make_error(f"cannot be read: {reason}")),
    ):
        return file.read()


def read_bytes(path: StrPath) -> bytes:
    """The contents of the file at `path`; `PrototxtError` if it cannot be read or is empty."""
    name = os.fspath(path)
    data = read_input(path, lambda reason: PrototxtError(reason, name))
    if not data:
        raise PrototxtError("the file is empty", name)
    return data
