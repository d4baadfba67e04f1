"""Files opened for reading, with one clear line where that fails."""

import os

from caffe_lite.errors import PrototxtError

StrPath = str | os.PathLike[str]


def read_bytes(path: StrPath) -> bytes:
    """The contents of the file at `path`; `PrototxtError` if it cannot be read or is empty."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except IsADirectoryError:
        raise PrototxtError("is a folder; a file is expected", os.fspath(path)) from None
    except FileNotFoundError:
        folder = os.path.dirname(os.path.abspath(path))
        raise PrototxtError(f"no such file (looked in {folder})", os.fspath(path)) from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise PrototxtError(f"cannot be read: {reason}", os.fspath(path)) from None
    if not data:
        raise PrototxtError("the file is empty", os.fspath(path))
    return data
