"""Write the data that ships with the package, as the nets under prototxt/ read it.

digits          the UCI handwritten digits, 1,797 real 8x8 scans, in LMDB, HDF5 and PNG
moving_digits   clips of 16 frames in which one or two of them move, with labels, flow and captions
"""

import argparse
from typing import Any

from caffe_lite.cli import options

FORMS = ("hdf5", "flow", "lmdb", "frames", "captions")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=("digits", "moving_digits"), help="which data")
    options.add_flag(
        parser,
        "out",
        metavar="DIR",
        help="where to write it (default: data/NAME, where the nets look for it)",
    )
    options.add_flag(
        parser,
        "forms",
        default=",".join(FORMS),
        metavar="F[,F]",
        help=f"moving_digits in these forms alone (default: {','.join(FORMS)})",
    )
    options.add_flag(
        parser,
        "train_clips",
        type=int,
        default=6000,
        metavar="N",
        help="moving_digits: training clips (default 6000)",
    )
    options.add_flag(
        parser,
        "test_clips",
        type=int,
        default=500,
        metavar="N",
        help="moving_digits: clips of digits that no training clip uses (default 500)",
    )
    options.add_flag(
        parser,
        "seed",
        type=options.natural,
        default=1,
        metavar="N",
        help="moving_digits: seed of the clips (default 1)",
    )


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log

    live = start_log(quiet=True)
    out = args.out or f"data/{args.name}"
    write(
        args.name,
        out,
        live,
        tuple(args.forms.split(",")),
        train_clips=args.train_clips,
        test_clips=args.test_clips,
        seed=args.seed,
    )
    live.finish()
    print(f"{out}: {args.name} written")
    return 0


def write(name: str, out: str, live: Any, forms: tuple[str, ...] = FORMS, **settings: int) -> None:
    """Write a data set, what is missing of it; `live` shows how far it is."""
    from caffe_lite.datasets.export import write_digits
    from caffe_lite.datasets.export_clips import write_moving_digits

    def progress(done: int, total: int, what: str) -> None:
        live.show(f"{name}: {done} of {total} parts written ({what})")

    live.show(f"{name}: making it")
    if name == "digits":
        write_digits(out, progress=progress)
    else:
        write_moving_digits(out, forms=forms, progress=progress, **settings)
