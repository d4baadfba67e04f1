"""The command line: `caffe_lite COMMAND`. One module per command; this one finds and runs it.

A command's module imports only what its options need, and the rest when it runs, so that help
appears at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from caffe_lite.cli.commands import COMMANDS, build_parser, parse
from caffe_lite.cli.log import using_settings
from caffe_lite.cli.signals import Interrupted, ending_signals
from caffe_lite.errors import CaffeError, UsageError
from caffe_lite.trust import trusting

__all__ = ["COMMANDS", "build_parser", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0 done, 1 an error (reported in one line), 2 wrong usage, 128 + N ended by signal N.
    """
    try:
        with ending_signals():
            args = parse(argv)
            if isinstance(sys.stdout, TextIOWrapper):
                # Escape characters that the terminal's encoding lacks instead of failing.
                sys.stdout.reconfigure(errors="backslashreplace")
            # CAFFE_LITE_SAFE=1 stays in force without the option.
            trust = False if args.no_python_layers else None
            with trusting(trust), using_settings(args.log_settings):
                return _run(args)
    except KeyboardInterrupt as error:
        interrupt = error if isinstance(error, Interrupted) else Interrupted(2)
        print(f"caffe_lite: ended by {interrupt}", file=sys.stderr)
        return 128 + interrupt.number


def _run(args: argparse.Namespace) -> int:
    try:
        code = args.run(args) or 0
        sys.stdout.flush()
        return code
    except UsageError as error:
        _report(args, error, "")
        return 2
    except CaffeError as error:
        _report(args, error)
    except SystemExit as error:  # code that the net or an installed plug-in brought
        _report(args, f"the code of a layer ended the program ({error!r})")
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        _silence_output()
    except OSError as error:
        _silence_output()
        place = f"{error.filename}: " if error.filename else ""
        _report(args, f"{place}{error.strerror or error}")
    return 1


def _report(args: argparse.Namespace, error: object, kind: str = "error: ") -> None:
    """One line on stderr, whatever line breaks the message has."""
    line = " ".join(part.strip() for part in str(error).splitlines())
    text = f"caffe_lite {args.command}: {kind}{line}"
    # Not every file name is UTF-8; Python holds the other bytes as surrogates.
    print(text.encode(errors="backslashreplace").decode(), file=sys.stderr)


def _silence_output() -> None:
    """Send what stdout still buffers nowhere, so that the flush at exit doesn't fail again."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
