"""Files and folders that appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from caffe_lite.errors import CaffeError
from caffe_lite.proto.files import StrPath


@contextmanager
def atomic_path(path: StrPath) -> Iterator[Path]:
    """Yield the path of a new, empty file, which replaces `path` when the block ends.

    It is in the same folder and has the same extension. It is flushed to disk before it is moved;
    if the block raises, it is removed and `path` is unchanged. A symbolic link is
    followed. What is not a regular file (/dev/stdout, a pipe) is written to directly. Failures of
    the file system become a one-line `CaffeError`.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            yield target
            return
        temporary = _create_beside(target)
        try:
            yield temporary
            _flush(temporary)
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _flush(target.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CaffeError(f"{os.fspath(path)}: cannot be written: {reason}") from error


@contextmanager
def atomic_folder(path: StrPath) -> Iterator[Path]:
    """Yield the path of a new, empty folder; when the block ends, it is renamed to `path`.

    If the block raises, the folder is removed. What a killed process left is removed first. The
    files in it are not synced one by one, which would take minutes for many small ones: after a
    power failure some may be empty. Failures of the file system become a one-line `CaffeError`.
    """
    target = Path(path)
    partial = target.with_name(f".{target.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        os.replace(partial, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CaffeError(f"{os.fspath(path)}: cannot be written: {reason}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _create_beside(target: Path) -> Path:
    temporary = target.with_name(f".{os.urandom(4).hex()}.{target.name}")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    if target.is_file():
        os.chmod(temporary, target.stat().st_mode & 0o777)
    return temporary


def _flush(path: Path) -> None:
    if os.name != "posix" and path.is_dir():
        return  # folders cannot be opened there
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
