"""Train a net on a folder of images, and report how well it does.

FOLDER has a folder of images for each class; a list of lines "path label" does too. The images are
divided by a seed into those to train, to validate and to test. Training stops when the validation
score no longer rises, and the best weights are kept. The report has curves, the confusion matrix,
the worst mistakes, a table of classes, and the commands that do each step alone. Every file is an
ordinary prototxt, database, or caffemodel.

Examples:
    caffe_lite fit flowers/
    caffe_lite fit flowers/ --net resnet18 --epochs 60 --out runs/flowers
    caffe_lite fit flowers/ --net caffenet --weights bvlc_reference_caffenet.caffemodel
    caffe_lite fit flowers/ --find-lr

Nets: lenet (images up to 64 pixels, the default for these), caffenet, squeezenet, resnet18 (the
default for larger ones), or a prototxt, of which the last layer gets an output for each class. With
--weights this layer gets a new name, so that it starts anew.
"""

from __future__ import annotations

import argparse
import os

from caffe_lite.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = options.add_flag
    parser.add_argument(
        "images", metavar="FOLDER", help='a folder for each class, or a list "path label"'
    )
    add(parser, "out", metavar="DIR", help="folder for everything (default: FOLDER's name + _fit)")
    add(
        parser,
        "net",
        metavar="NET",
        help="lenet, caffenet, squeezenet, resnet18, or a prototxt (default: by the images' size)",
    )
    add(parser, "weights", type=options.utf8, metavar="W", help="a caffemodel to start from")
    add(parser, "size", type=options.positive, metavar="N", help="resize images to N x N pixels")
    add(
        parser,
        "scale",
        type=float,
        metavar="X",
        help="factor of pixels, after the mean is subtracted (default what NET's data layer says, "
        "else 1 for public weights and 1/128 for nets from scratch)",
    )
    add(
        parser,
        "split",
        default="70,15,15",
        metavar="T,V,E",
        help="percent to train, validate and test with (default 70,15,15)",
    )
    add(parser, "seed", type=options.natural, default=1, metavar="N", help="of split and weights")
    add(
        parser,
        "epochs",
        type=options.positive,
        default=30,
        metavar="N",
        help="most passes over the training images (default 30)",
    )
    add(parser, "batch", type=options.positive, metavar="N", help="images of a batch (default 64)")
    add(
        parser,
        "lr",
        type=float,
        metavar="X",
        help="learning rate at the start (default: the net's)",
    )
    add(
        parser,
        "patience",
        type=options.positive,
        default=6,
        metavar="N",
        help="stop after N passes without a better validation score (default 6)",
    )
    add(parser, "no_mirror", action="store_true", help="do not mirror images in training")
    add(
        parser,
        "find_lr",
        action="store_true",
        help="only show the loss over a rising rate, and suggest one",
    )
    options.add_device(parser)


def run(args: argparse.Namespace) -> int:
    from caffe_lite.backend import get_ops
    from caffe_lite.cli.fit_job import FitJob
    from caffe_lite.cli.log import start_log
    from caffe_lite.cli.progress import Progress
    from caffe_lite.errors import UsageError
    from caffe_lite.fit.collection import find_images
    from caffe_lite.fit.files import Files
    from caffe_lite.fit.plan import Choices, make_plan
    from caffe_lite.fit.split import split

    for name, value in (("--lr", args.lr), ("--scale", args.scale)):
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(f"{name} must be above 0 and finite, got {value}")
    shares = _shares(args.split)
    live = start_log(quiet=True)
    if not os.path.exists(args.images):
        raise UsageError(f"{args.images}: no such folder or list")
    name = os.path.normpath(args.images)
    out = args.out or (name if os.path.isdir(name) else os.path.splitext(name)[0]) + "_fit"
    if os.path.lexists(out) and (not os.path.isdir(out) or os.listdir(out)):
        raise UsageError(f"{out}: exists already; remove it, or name another folder with --out")
    for weights in (args.weights or "").split(",") if args.weights else ():
        if not os.path.isfile(weights):
            raise UsageError(f"--weights {weights}: no such file")
    try:
        images = find_images(args.images, Progress(live).report)
    finally:
        live.finish()
    parts = split(images, shares, args.seed)
    choices = Choices(
        net=args.net,
        weights=args.weights,
        size=args.size,
        epochs=args.epochs,
        batch=args.batch,
        rate=args.lr,
        patience=args.patience,
        mirror=not args.no_mirror,
        seed=args.seed,
        scale=args.scale,
    )
    plan = make_plan(images, parts, choices)
    ops = get_ops(options.device(args.gpu))
    job = FitJob(args, Files(out), images, parts, choices, plan, ops, live)
    job.prepare()
    return job.find_rate() if args.find_lr else job.fit()


def _shares(text: str) -> tuple[float, float]:
    """The shares of validation and test."""
    from caffe_lite.errors import UsageError

    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 3 or min(numbers) <= 0 or not 0 < sum(numbers) < float("inf"):
        raise UsageError(f"--split {text}: expected three numbers above 0, as 70,15,15")
    return numbers[1] / sum(numbers), numbers[2] / sum(numbers)
