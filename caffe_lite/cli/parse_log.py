"""Turn a training log into two CSV files, as Caffe's tools/extra/parse_log.py does.

    caffe_lite parse_log logs/train.log tables/

writes tables/train.log.train and tables/train.log.test: the iteration, the seconds since the start,
the learning rate, and a column for each output of the train net and of the test nets.
"""

from __future__ import annotations

import argparse

from caffe_lite.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("log", metavar="LOG", help="the log, what `train` writes to stderr")
    parser.add_argument("out", metavar="OUTPUT_DIR", help="folder for the two files")
    options.add_flag(parser, "verbose", action="store_true", help="print what is written")
    options.add_flag(parser, "delimiter", default=",", metavar="C", help="between columns (,)")


def run(args: argparse.Namespace) -> int:
    import os

    from caffe_lite.cli.log import start_log
    from caffe_lite.errors import UsageError
    from caffe_lite.runs.tables import read_tables, write_csv

    start_log(quiet=True)
    if len(args.delimiter) != 1 or args.delimiter in '\r\n"':
        raise UsageError(f"--delimiter {args.delimiter!a}: expected one character, such as ,")
    if not os.path.isdir(args.out):
        raise UsageError(f"{args.out}: no such folder; make it first")
    for name, rows in zip(("train", "test"), read_tables(args.log), strict=True):
        path = os.path.join(args.out, f"{os.path.basename(args.log)}.{name}")
        if rows:
            write_csv(path, rows, args.delimiter)
        if args.verbose:
            print(f"Wrote {path}" if rows else f"Not writing {path}; no lines to write")
    return 0
