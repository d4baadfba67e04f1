"""Reproduce an experiment of the LRCN paper with one command.

caffe_lite lrcn reproduce activity --data DIR
    UCF101: single frames and LRCN, RGB, flow and both, over three splits
caffe_lite lrcn reproduce captions --data DIR
    COCO: captions of two factored layers, first with a frozen convnet, then fine-tuned
caffe_lite lrcn reproduce retrieval --data DIR
    Flickr30k: retrieval with one layer, two unfactored and two factored
caffe_lite lrcn reproduce description --data DIR
    semantic predictions of videos to sentences, with labels and with probabilities

Prepares the data, generates the nets, trains with the paper's schedule, evaluates, and writes the
paper's numbers beside ours to table.md. Each step is a command of this package. A run that was
stopped continues when the command is repeated; a training continues from its last snapshot. --quick
rehearses all steps within minutes, with small nets on the moving digits that ship with the package.
Data that is missing is reported at the start, with where to get it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from caffe_lite.cli import options

TASKS = ("activity", "captions", "retrieval", "description")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    parser.add_argument("experiment", choices=TASKS, help="the experiment")
    add(
        parser,
        "data",
        required=True,
        metavar="DIR",
        help="the folder of the data set; with --quick only the results go there",
    )
    add(
        parser,
        "out",
        metavar="DIR",
        help="where to write (default: reproduce_EXPERIMENT in --data, with --quick "
        "quick_EXPERIMENT)",
    )
    add(
        parser,
        "quick",
        action="store_true",
        help="rehearse within minutes on moving digits, with small nets",
    )
    options.add_device(parser)


def run(args: argparse.Namespace) -> int:
    from importlib import import_module

    from caffe_lite.cli.reproduce.runner import check_data, run_plan
    from caffe_lite.errors import UsageError

    data = Path(args.data).resolve()
    if not args.quick and not data.is_dir():
        raise UsageError(f"--data {args.data}: is not a folder")
    name = f"{'quick' if args.quick else 'reproduce'}_{args.experiment}"
    out = Path(args.out).resolve() if args.out else data / name
    experiment = import_module(f"caffe_lite.cli.reproduce.{args.experiment}")
    plan = experiment.plan(data, out, args.quick, args.gpu)
    check_data(plan)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None
    run_plan(plan, out)
    print((out / "table.md").read_text(), end="")
    return 0
