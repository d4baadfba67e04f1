"""Write the data that ships with the package, as the nets under prototxt/ read it.

digits          the UCI handwritten digits, 1,797 real 8x8 scans, in LMDB, HDF5 and PNG
moving_digits   clips of 16 frames in which one or two of them move, with labels, flow and captions
"""

from __future__ import annotations

import argparse
from typing import Any

from caffe_lite.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=("digits", "moving_digits"), help="which data")
    options.add_flag(parser, "out", metavar="DIR",
                     help="where to write it (default: data/NAME, where the nets look for it)")
    options.add_flag(parser, "seed", type=int, default=0, metavar="N",
                     help="seed of the moving digits (default 0)")


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log

    live = start_log(quiet=True)
    out = args.out or f"data/{args.name}"
    write(args.name, out, live, seed=args.seed)
    live.finish()
    print(f"{out}: {args.name} written")
    return 0


def write(name: str, out: str, live: Any, seed: int = 0) -> None:
    """Write a data set; `live` shows how far it is."""
    from caffe_lite.data import export

    def progress(what: str, done: int, total: int) -> None:
        live.show(f"{name}: {what} {done} of {total}")

    if name == "digits":
        export.write_digits(out, progress=progress)
    else:
        export.write_moving_digits(out, seed=seed, progress=progress)
