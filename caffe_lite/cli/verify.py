"""Check that files are whole: weights of every format, solver states, databases and lists.

For each FILE it prints whether it is whole, what it is, what is in it, its size and its SHA-256.
Every byte is read: checksums are verified where a file has one, records and images are decoded, and
listed files are checked too. The exit code is 1 if a file is not whole.

Example:
    caffe_lite verify run_iter_5000.caffemodel run_iter_5000.solverstate data/train_lmdb
"""

import argparse
import json

from caffe_lite.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="a file, or the folder of an LMDB or LevelDB"
    )
    options.add_flag(parser, "json", action="store_true", help="print JSON: a list, one per file")


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.integrity import check_file
    from caffe_lite.cli.log import start_log

    start_log(quiet=True)
    reports = []
    for name in args.files:
        report = check_file(name)
        reports.append(report)
        if not args.json:
            print(report.text(), flush=True)
    if args.json:
        print(json.dumps([report.fields() for report in reports], indent=1))
    return 0 if all(report.whole for report in reports) else 1
