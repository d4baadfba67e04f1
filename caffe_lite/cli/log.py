"""The log in Caffe's format, so that existing log parsers keep working.

A line has severity, date (month and day), time, process id and place:

    I1120 08:26:29.067440 18426 solver.cpp:218] Iteration 0 ...

The logger names the file (`caffe_lite.net` gives net.cpp); the line number is that of our source.
glog's flags apply, from the command line (`--minloglevel=1`) or as environment variables
(`GLOG_minloglevel=1`): `minloglevel` 1 shows only warnings and errors, 2 only errors. `v` 1 adds
messages that explain decisions, such as why a GPU's iterations are not recorded. With
`log_year_in_prefix` the date is `I20261120`, as glog writes it since 2020; Caffe's
tools/extra/parse_log.py cannot read that. `log_prefix` 0 leaves out all before the message.
"""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

from caffe_lite.errors import UsageError

_SEVERITY = {
    logging.DEBUG: "D",
    logging.INFO: "I",
    logging.WARNING: "W",
    logging.ERROR: "E",
    logging.CRITICAL: "F",
}


_given: ContextVar[Mapping[str, str]] = ContextVar("log_settings", default=MappingProxyType({}))


@contextmanager
def using_settings(settings: Mapping[str, str]) -> Iterator[None]:
    """Let `settings`, glog's flags by name, override the environment for logs started here."""
    token = _given.set(settings)
    try:
        yield
    finally:
        _given.reset(token)


def _setting(name: str, default: str) -> str:
    given = _given.get()
    return given[name] if name in given else os.environ.get(f"GLOG_{name}", default)


def _is_on(name: str, default: str) -> bool:
    return _setting(name, default).lower() not in ("0", "false", "no")


class CaffeFormatter(logging.Formatter):
    """Formats a record as a line of Caffe's log."""

    def __init__(self) -> None:
        super().__init__()
        self._date = "%Y%m%d" if _is_on("log_year_in_prefix", "0") else "%m%d"
        self._prefix = _is_on("log_prefix", "1")

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created).strftime(f"{self._date} %H:%M:%S.%f")
        place = record.name.rpartition(".")[2] + ".cpp"
        severity = _SEVERITY.get(record.levelno, "I")
        message = record.getMessage().removesuffix("\n")
        prefix = f"{severity}{when} {record.process:5d} {place}:{record.lineno}] "
        text = prefix + message if self._prefix else message
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        # Not every file name is UTF-8; Python holds the other bytes as surrogates.
        return text.encode(errors="backslashreplace").decode()


class LiveHandler(logging.StreamHandler[TextIO]):
    """Writes log lines to a stream and, if it is a terminal, one live line below them."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.is_live = stream.isatty()
        self._line = ""

    def show(self, line: str) -> None:
        """Replace the live line. Does nothing if the stream is not a terminal."""
        if self.is_live:
            self._line = line[: _width() - 1]
            self._draw()

    def emit(self, record: logging.LogRecord) -> None:
        if self._line:
            self.stream.write("\r\x1b[K")
        super().emit(record)
        self._draw()

    def _draw(self) -> None:
        if self._line:
            self.stream.write(f"\r\x1b[K{self._line}")
            self.stream.flush()

    def finish(self) -> None:
        """Erase the live line."""
        if self._line:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self._line = ""


class LogFile(logging.FileHandler):
    """A log file. When writing to it fails, a warning is logged, the file ends there, and the
    command continues.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        logger = logging.getLogger("caffe_lite")
        logger.removeHandler(self)
        self.close()
        logger.warning("%s: cannot be written: %s; it ends here", self.baseFilename, error.strerror)

    def close(self) -> None:
        with suppress(OSError):
            super().close()


def _level(quiet: bool) -> int:
    """The lowest level that is shown; glog's minloglevel raises it, v lowers it."""
    least = {"1": logging.WARNING, "2": logging.ERROR, "3": logging.CRITICAL}
    dropped = least.get(_setting("minloglevel", "0"))
    if dropped is not None:
        return dropped
    if _setting("v", "0") not in ("", "0"):
        return logging.DEBUG
    return logging.WARNING if quiet else logging.INFO


def _width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        return 80


def start_log(
    log_dir: str | None = None,
    command: str = "",
    quiet: bool = False,
    quiet_terminal: bool = False,
) -> LiveHandler:
    """Send the package's log to stderr and, with `log_dir`, to `<command>.log` in that folder.

    `quiet` hides messages below warnings, `quiet_terminal` only on stderr. Raises UsageError if the
    folder or the file cannot be created.
    """
    handler = LiveHandler(sys.stderr)
    logger = logging.getLogger("caffe_lite")
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    handlers: list[logging.Handler] = [handler]
    if log_dir is not None:
        try:
            Path(log_dir).mkdir(parents=True, exist_ok=True)
            path = Path(log_dir) / f"{command}.log"
            handlers.append(LogFile(path, encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"--log-dir {log_dir}: {error.strerror}") from error
    for each in handlers:
        each.setFormatter(CaffeFormatter())
        logger.addHandler(each)
    logger.setLevel(_level(quiet))
    if quiet_terminal:
        handler.setLevel(logging.WARNING)
    logger.propagate = False
    return handler
