"""A file that a running command appends to; a full disk ends the file, not the command."""

from __future__ import annotations

import logging
import os
from contextlib import suppress

from caffe_lite.errors import UsageError

log = logging.getLogger("caffe_lite.log")


class LogOutput:
    """Appends to the file `path`, flushed after each write.

    When writing fails a warning is logged, and the file ends there. Raises UsageError, which names
    the `option` that `path` comes from, if the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], option: str) -> None:
        self.path = os.fspath(path)
        try:
            self._file = open(self.path, "ab")
        except OSError as error:
            raise UsageError(f"{option}: {self.path}: {error.strerror}") from error

    def write(self, content: bytes) -> None:
        if self._file.closed:
            return
        try:
            self._file.write(content)
            self._file.flush()
        except OSError as error:
            log.warning("%s: cannot be written: %s; it ends here", self.path, error.strerror)
            self.close()

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()
