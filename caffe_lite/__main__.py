"""The process behind `caffe_lite` and `python -m caffe_lite`."""

import signal

# Ctrl-C during the imports ends the process at once; Python's own handler would print a traceback
# of whatever was being imported. `main` installs handlers that report the signal. A SIGINT that the
# parent process ignores has another handler and stays ignored.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import sys  # noqa: E402

from caffe_lite.cli import main  # noqa: E402

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
