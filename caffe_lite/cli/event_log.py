"""The machine-readable log: one JSON object per event, each on a line of its own."""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from caffe_lite.errors import UsageError

log = logging.getLogger("caffe_lite.log")


class EventLog:
    """Writes `<command>.jsonl` in the folder `log_dir`, or nothing if that is None.

    Each line has `event` and `time` (seconds since 1970), then the event's own fields. Another run
    appends to the file. Numbers that are not finite become the strings "NaN", "Infinity" and
    "-Infinity". When writing fails, for example on a full disk, a warning is logged and the file
    ends there. Raises UsageError if the folder or the file cannot be created.
    """

    def __init__(self, log_dir: str | None, command: str) -> None:
        self._file: TextIO | None = None
        if log_dir is not None:
            try:
                Path(log_dir).mkdir(parents=True, exist_ok=True)
                self._file = open(Path(log_dir) / f"{command}.jsonl", "a", encoding="utf-8")
            except OSError as error:
                raise UsageError(f"--log-dir {log_dir}: {error.strerror}") from error

    def write(self, event: str, **fields: Any) -> None:
        """Append one event and flush it."""
        if self._file is None:
            return
        record = {"event": event, "time": round(time.time(), 6), **fields}
        try:
            self._file.write(json.dumps(_finite(record), allow_nan=False) + "\n")
            self._file.flush()
        except OSError as error:
            log.warning("%s: cannot be written: %s; it ends here", self._file.name, error.strerror)
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        if value != value:
            return "NaN"
        return value if abs(value) != float("inf") else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
