"""pycaffe's log: `init_log` shows it on stderr, `log` writes to it."""

import logging
import sys

_LEVELS = (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)

_handler: logging.Handler | None = None


def init_log(level: int = 0, stderr: bool = True) -> None:
    """Show messages of severity `level` and above: 0 INFO, 1 WARNING, 2 ERROR, 3 FATAL.

    They go to stderr in the format of Caffe's log; with `stderr` False, only to the handlers of
    Python's logging that the program has set up for "caffe_lite".
    """
    global _handler
    logger = logging.getLogger("caffe_lite")
    if _handler is not None:
        logger.removeHandler(_handler)
        _handler = None
    if stderr:
        _handler = logging.StreamHandler(sys.stderr)
        layout = "%(levelname).1s%(asctime)s.%(msecs)03d000 %(process)5d %(module)s.cpp:%(lineno)d]"
        _handler.setFormatter(logging.Formatter(f"{layout} %(message)s", "%m%d %H:%M:%S"))
        logger.addHandler(_handler)
    logger.setLevel(_LEVELS[min(max(level, 0), len(_LEVELS) - 1)])


def log(message: str) -> None:
    """Write a message of severity INFO to the log."""
    logging.getLogger("caffe_lite.pycaffe").info("%s", message)
