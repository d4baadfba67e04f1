"""The tasks of `prepare` that write the data sets that ship with the package."""

import argparse
from typing import Any

from caffe_lite.cli import options
from caffe_lite.cli.commands import Parser
from caffe_lite.errors import did_you_mean

ORDERED_CLIPS = {"train": 2000, "sentences": 1500, "validation": 500, "test": 1000}
FORMS = ("hdf5", "flow", "lmdb", "frames", "captions")

DIGITS = """Write the UCI handwritten digits: 1,797 scans of 8 x 8 pixels.

They are written as LMDB, HDF5 and PNG, as the nets in prototxt/digits/ read them.
"""
MOVING_DIGITS = """Write clips of moving handwritten digits, with labels, flow and captions.

Each clip has 16 frames in which one or two digits move, as the nets in prototxt/moving_digits/ read
them. Test clips show digits that no training clip uses.
"""
ORDERED_DIGITS = """Write clips of digits whose activities differ in the order of two motions.

Each clip has 16 frames as from a hand-held camera, with computed optical flow and a caption, as the
nets in prototxt/ordered_digits/ read them. The four splits share no scan of a digit. Flow needs a C
compiler, or takes much longer.
"""
SSD_DIGITS = """Write digits of several sizes on a cluttered canvas, with their boxes.

They are LMDBs of AnnotatedDatum records, as the nets in prototxt/ssd_digits/ read them. Test images
show digits that no training image uses.
"""


def add_tasks(parser: Parser) -> None:
    """Add `prepare`'s tasks for the data that ships with the package."""
    _add_out(parser.add_task("digits", DIGITS, run), "digits")
    clips = parser.add_task("moving_digits", MOVING_DIGITS, run)
    _add_out(clips, "moving_digits")
    options.add_flag(
        clips,
        "forms",
        type=_forms,
        default=FORMS,
        metavar="F[,F]",
        help=f"write these forms only (default: {','.join(FORMS)})",
    )
    options.add_flag(
        clips,
        "train_clips",
        type=options.positive,
        default=6000,
        metavar="N",
        help="training clips (default 6000)",
    )
    options.add_flag(
        clips,
        "test_clips",
        type=options.positive,
        default=500,
        metavar="N",
        help="test clips (default 500)",
    )
    boxes = parser.add_task("ssd_digits", SSD_DIGITS, run)
    _add_out(boxes, "ssd_digits")
    for split, word, count in (("train", "training", 3000), ("test", "test", 300)):
        options.add_flag(
            boxes,
            f"{split}_images",
            type=options.positive,
            default=count,
            metavar="N",
            help=f"{word} images (default {count})",
        )
    ordered = parser.add_task("ordered_digits", ORDERED_DIGITS, run)
    _add_out(ordered, "ordered_digits")
    for split, count in ORDERED_CLIPS.items():
        options.add_flag(
            ordered,
            f"{split}_clips",
            type=options.positive,
            default=count,
            metavar="N",
            help=f"clips of the split {split} (default {count})",
        )
    for task, what in ((clips, "clips"), (boxes, "images"), (ordered, "clips")):
        options.add_flag(
            task,
            "seed",
            type=options.natural,
            default=1,
            metavar="N",
            help=f"seed of the {what} (default 1)",
        )


def _add_out(parser: Parser, name: str) -> None:
    options.add_flag(
        parser,
        "out",
        default=f"data/{name}",
        metavar="DIR",
        help=f"folder to write to (default: data/{name}, where the nets look for it)",
    )


def _forms(text: str) -> tuple[str, ...]:
    forms = tuple(text.split(","))
    for form in forms:
        if form not in FORMS:
            raise argparse.ArgumentTypeError(
                f'unknown form "{form}"{did_you_mean(form, FORMS)} (known: {", ".join(FORMS)})'
            )
    return forms


def run(args: argparse.Namespace) -> int:
    from caffe_lite.cli.log import start_log

    live = start_log(quiet=True)
    kinds = [f"{split}_clips" for split in ORDERED_CLIPS]
    names = (*kinds, "train_images", "test_images", "seed")
    settings = {name: getattr(args, name) for name in names if hasattr(args, name)}
    write(args.task, args.out, live, getattr(args, "forms", FORMS), **settings)
    live.finish()
    print(f"{args.out}: {args.task} written")
    return 0


def write(name: str, out: str, live: Any, forms: tuple[str, ...] = FORMS, **settings: int) -> None:
    """Write the missing parts of a data set; `live` shows the progress."""
    from caffe_lite.datasets.export import write_digits
    from caffe_lite.datasets.export_boxes import write_ssd_digits
    from caffe_lite.datasets.export_clips import write_moving_digits
    from caffe_lite.datasets.export_ordered import write_ordered_digits
    from caffe_lite.lrcn.prepare.flow_methods import METHODS, own_method

    def progress(done: int, total: int, what: str) -> None:
        live.show(f"{name}: {done} of {total} parts written ({what})")

    live.show(f"{name}: being made")
    if name == "digits":
        write_digits(out, progress=progress)
    elif name == "ssd_digits":
        write_ssd_digits(out, progress=progress, **settings)
    elif name == "ordered_digits":
        counts = {s: settings.pop(f"{s}_clips", ORDERED_CLIPS[s]) for s in ORDERED_CLIPS}
        flow = METHODS[own_method()].make()
        write_ordered_digits(out, flow, counts, progress=progress, **settings)
    else:
        write_moving_digits(out, forms=forms, progress=progress, **settings)
