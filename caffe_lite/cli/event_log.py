"""The machine-readable log: one JSON object per event, each on a line of its own."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from caffe_lite.cli.log_output import LogOutput
from caffe_lite.errors import UsageError


class EventLog:
    """Writes `<command>.jsonl` in the folder `log_dir`, or nothing if that is None.

    Each line has `event` and `time` (seconds since 1970), then the event's own fields. Another run
    appends to the file. Numbers that are not finite become the strings "NaN", "Infinity" and
    "-Infinity". When writing fails, for example on a full disk, a warning is logged and the file
    ends there. Raises UsageError if the folder or the file cannot be created.
    """

    def __init__(self, log_dir: str | None, command: str) -> None:
        self._output: LogOutput | None = None
        if log_dir is not None:
            try:
                Path(log_dir).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(f"--log-dir {log_dir}: {error.strerror}") from error
            self._output = LogOutput(Path(log_dir) / f"{command}.jsonl", "--log-dir")

    def write(self, event: str, **fields: Any) -> None:
        """Append one event and flush it."""
        if self._output is None:
            return
        record = {"event": event, "time": round(time.time(), 6), **fields}
        self._output.write((json.dumps(_finite(record), allow_nan=False) + "\n").encode())

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        if self._output is not None:
            self._output.close()


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
