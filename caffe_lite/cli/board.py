"""Show the trainings in a folder on a local web page, live and afterwards (extra `web`).

caffe_lite board FOLDER

Every `train --log-dir` below FOLDER is a run: its curves, its net, histograms and filters of its
layers, its log and its pictures. The page is for this machine only. The address that is printed
has a token, which the buttons to stop a run and to take a snapshot need.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from caffe_lite.cli import options

if TYPE_CHECKING:
    from socket import socket


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="the folder that holds runs")
    options.add_flag(
        parser,
        "port",
        type=options.natural,
        default=0,
        metavar="N",
        help="port on the loopback interface (default: a free one)",
    )


def run(args: argparse.Namespace) -> int:
    import secrets

    from caffe_lite.board.runs import Runs
    from caffe_lite.errors import UsageError

    try:
        import uvicorn

        from caffe_lite.board.app import make_app
    except ImportError as error:
        raise UsageError(
            f'board needs the extra "web" ({error}): pip install "caffe_lite[web]"'
        ) from error

    runs = Runs(args.folder)
    token = secrets.token_urlsafe(16)
    listener = _listener(args.port)
    port = listener.getsockname()[1]
    print(f"http://127.0.0.1:{port}/#token={token}", flush=True)
    config = uvicorn.Config(make_app(runs, token), log_level="warning", ws="none")
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _listener(port: int) -> socket:
    """A socket on the loopback interface. Raises UsageError for a port that is taken."""
    import socket

    from caffe_lite.errors import UsageError

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--port {port}: {reason}; give another, or none for a free one") from None
    return listener
