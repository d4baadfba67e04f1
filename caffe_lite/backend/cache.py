"""The cache: a folder where compiled code and measured choices are kept between processes.

Whoever can write to it decides what later processes run, so folders and files are used only if they
belong to this user and nobody else can write to them.
"""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DRAFT = "build-"  # prefix of temporary files and folders


class CacheError(Exception):
    """The cache cannot be used; the message is one line that says why."""


class UntrustedError(CacheError):
    """A folder of the cache belongs to somebody else, or others can write to it."""


def cache_folder() -> Path | None:
    """CAFFE_LITE_CACHE, or else `caffe_lite` in XDG_CACHE_HOME or ~/.cache.

    None if CAFFE_LITE_CACHE is set and empty, or if the user has no home: nothing is kept.
    """
    named = os.environ.get("CAFFE_LITE_CACHE")
    if named is not None:
        return Path(named) if named else None
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "caffe_lite"
    except RuntimeError:  # neither HOME nor an entry in the user database
        return None


def open_folder(folder: Path) -> None:
    """Create `folder`, a direct subfolder of the cache, for this user only, if it is missing.

    Drafts that killed processes left there are removed. Raises CacheError if the folder cannot be
    created, and UntrustedError if it or the cache is not trusted.
    """
    try:
        folder.parent.parent.mkdir(parents=True, exist_ok=True)
        for each in (folder.parent, folder):
            with suppress(FileExistsError):
                each.mkdir(mode=0o700)
            reason = distrust(each)
            if reason:
                raise UntrustedError(reason)
        _remove_drafts(folder)
    except OSError as error:
        place = error.filename or folder
        raise CacheError(f"{place}: cannot hold the cache: {error.strerror or error}") from None


def distrust(path: Path) -> str | None:
    """Why `path` is not trusted, in one line, or None if it is. Raises OSError if it is missing."""
    if os.name != "posix":
        return None
    status = path.stat()
    if status.st_uid != os.getuid():
        return f"{path}: not trusted: it belongs to another user (uid {status.st_uid})"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(status.st_mode)
        return f"{path}: not trusted: others can write to it (mode {mode:o}); run chmod go-w on it"
    return None


def digest(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(path: Path, content: bytes) -> None:
    """Write a file of the cache, complete or not at all. Raises OSError."""
    draft = path.with_name(f"{DRAFT}{os.getpid()}")
    with locked(path.parent):
        try:
            draft.write_bytes(content)
            draft.chmod(0o600)
            publish(draft, path)
        finally:
            draft.unlink(missing_ok=True)


def publish(draft: Path, target: Path) -> None:
    """Move a complete file to its name. After a crash, `target` is the old file or the new one."""
    _sync(draft)
    os.replace(draft, target)
    _sync(target.parent)


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[bool]:
    """Hold the lock of a folder; it is released when the process ends, however that happens.

    Yields False if the lock is not held: another process holds it and `wait` is false, or the
    system has no such locks. `publish` is safe without it; the lock saves two processes from doing
    the same work.
    """
    handle = _lock(folder, wait)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def _lock(folder: Path, wait: bool) -> int | None:
    """A descriptor that holds the lock until it is closed, or None."""
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):  # ImportError: Windows
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(handle)
        return None
    return handle


def _remove_drafts(folder: Path) -> None:
    """Remove drafts of processes that were killed. Processes that write drafts hold the lock."""
    drafts = list(folder.glob(f"{DRAFT}*"))
    if not drafts:
        return
    with locked(folder, wait=False) as held:
        for draft in drafts if held else ():
            shutil.rmtree(draft, ignore_errors=True)  # a folder
            with suppress(OSError):
                draft.unlink()  # a file


def _sync(path: Path) -> None:
    if os.name != "posix" and path.is_dir():
        return  # folders cannot be opened there
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
