"""The command line: `caffe_lite COMMAND`. One module per command; this one finds and runs it.

A command's module imports only what its options need, and the rest when it runs, so that help
appears at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from caffe_lite import __version__
from caffe_lite.errors import CaffeError, UsageError

COMMANDS = (
    "train",
    "test",
    "time",
    "device_query",
    "upgrade",
    "summary",
    "dataset",
    "demo",
    "layers",
    "gradcheck",
    "video",
    "captions",
    "caption",
    "retrieve",
    "score",
    "classify-video",
)


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands; each sets `run`, a function of the parsed arguments."""
    parser = argparse.ArgumentParser(
        prog="caffe_lite",
        allow_abbrev=False,
        description="Train, test and inspect Caffe nets. Long options take one dash or two.",
    )
    parser.add_argument("--version", action="version", version=f"caffe_lite {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"caffe_lite.cli.{name.replace('-', '_')}")
        description = module.__doc__ or ""
        command = commands.add_parser(
            name,
            help=description.partition("\n")[0],
            description=description,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code: 0 done, 1 an error told in one line, 2 wrong usage."""
    args = build_parser().parse_args(argv)
    if isinstance(sys.stdout, TextIOWrapper):
        # A word or file name that the terminal's encoding lacks is no reason to stop.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = args.run(args) or 0
        sys.stdout.flush()
        return code
    except UsageError as error:
        print(f"caffe_lite {args.command}: {error}", file=sys.stderr)
        return 2
    except CaffeError as error:
        print(f"caffe_lite {args.command}: error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output (head, less) has gone
        _drop_output()
        return 1
    except OSError as error:
        _drop_output()
        place = f"{error.filename}: " if error.filename else ""
        print(
            f"caffe_lite {args.command}: error: {place}{error.strerror or error}", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print(f"caffe_lite {args.command}: interrupted", file=sys.stderr)
        return 1


def _drop_output() -> None:
    """Where nothing can be written any more, say no more, not even at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
