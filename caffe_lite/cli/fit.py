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
import logging
import os
import shutil
import sys
from typing import TYPE_CHECKING

from caffe_lite.cli import options

if TYPE_CHECKING:
    from caffe_lite.backend import Ops
    from caffe_lite.cli.log import LiveHandler
    from caffe_lite.fit.collection import Collection
    from caffe_lite.fit.evaluation import Answer
    from caffe_lite.fit.files import Files
    from caffe_lite.fit.plan import Choices, Plan
    from caffe_lite.fit.split import Split
    from caffe_lite.fit.training import Best
    from caffe_lite.solvers import Solver

log = logging.getLogger("caffe_lite.fit")
MISTAKES = 24  # images on the sheet
HEAD = (
    "#!/bin/sh",
    "# Run in the folder where fit ran. Databases that exist are kept: remove them to renew them.",
    "set -e",
)


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
    from caffe_lite.cli.log import start_log
    from caffe_lite.cli.progress import Progress
    from caffe_lite.errors import UsageError
    from caffe_lite.fit.collection import find_images
    from caffe_lite.fit.files import Files
    from caffe_lite.fit.plan import Choices, make_plan
    from caffe_lite.fit.split import split

    if args.lr is not None and not args.lr > 0:
        raise UsageError(f"--lr must be above 0, got {args.lr}")
    shares = _shares(args.split)
    live = start_log(quiet=True)
    if not os.path.exists(args.images):
        raise UsageError(f"{args.images}: no such folder or list")
    out = args.out or os.path.splitext(os.path.normpath(args.images))[0] + "_fit"
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
        args.net,
        args.weights,
        args.size,
        args.epochs,
        args.batch,
        args.lr,
        args.patience,
        not args.no_mirror,
        args.seed,
    )
    plan = make_plan(images, parts, choices)
    ops = get_ops(options.device(args.gpu))
    job = _Job(args, Files(out), images, parts, choices, plan, ops, live)
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


class _Job:
    """One run of the command, step by step."""

    def __init__(
        self,
        args: argparse.Namespace,
        files: Files,
        images: Collection,
        parts: Split,
        choices: Choices,
        plan: Plan,
        ops: Ops,
        live: LiveHandler,
    ) -> None:
        self.args, self.files, self.images, self.parts = args, files, images, parts
        self.choices, self.plan, self.ops, self.live = choices, plan, ops, live
        self.unreadable: list[str] = []

    def prepare(self) -> None:
        """Write what a training reads; nothing is left if that fails."""
        from caffe_lite.cli.progress import Progress
        from caffe_lite.fit.files import write_files

        plan, parts = self.plan, self.parts
        print(
            f"{len(self.images.classes)} classes, {len(self.images.entries):,} images: "
            f"{len(parts.train):,} to train, {len(parts.val):,} to validate, "
            f"{len(parts.test):,} to test"
        )
        size = f"{plan.size[0]}x{plan.size[1]}" + (f", crops of {plan.crop}" if plan.crop else "")
        print(
            f"net {plan.net}, images of {size} pixels, batches of {plan.batch}, rate {plan.rate:g}"
        )
        made = not os.path.isdir(self.files.out)
        os.makedirs(self.files.out, exist_ok=True)
        try:
            report = Progress(self.live).report
            self.unreadable = write_files(
                self.files, self.images, parts, plan, self.choices, report
            )
        except BaseException:
            shutil.rmtree(self.files.out, ignore_errors=True)
            if not made:
                os.makedirs(self.files.out, exist_ok=True)
            raise
        finally:
            self.live.finish()
        for line in self.unreadable:
            print(f"caffe_lite fit: left out: {line}", file=sys.stderr)

    def find_rate(self) -> int:
        """Show the loss over a rising rate."""
        from caffe_lite.fit.find_rate import find_rate, rising
        from caffe_lite.fit.report import table_csv
        from caffe_lite.proto import load, text

        solver = rising(
            load.load_solver(self.files.solver), max(60, min(200, self.plan.iterations))
        )
        path = self.files.path("find_lr_solver.prototxt")
        text.write(path, solver)
        rates = find_rate(solver, path, self.ops, self.args.weights)
        suggestion = rates.suggestion
        rows = [("rate", "loss")]
        rows += [(f"{r:g}", f"{v:g}") for r, v in zip(rates.rates, rates.losses, strict=True)]
        self._write("find_lr.csv", table_csv(rows).encode())
        step = max(1, len(rates.rates) // 16)
        highest = max(min(v, 2 * rates.losses[0]) for v in rates.losses)
        for rate, loss in list(zip(rates.rates, rates.losses, strict=True))[::step]:
            bar = "#" * round(40 * min(loss, highest) / highest) if loss == loss else "NaN"
            print(f"  {rate:8.2g}  {loss:9.4f}  {bar}")
        print(f"{self.files.path('find_lr.csv')}: all {len(rates.rates)} of them")
        print(f"suggestion: --lr {suggestion:g} (a tenth of the rate with the lowest loss)")
        return 0

    def fit(self) -> int:
        """Train, deploy, evaluate, report."""
        from caffe_lite.errors import CaffeError

        best = self._train()
        if best.tests == 0:
            raise CaffeError("stopped before the first test; there is nothing to report")
        answers = self._evaluate()
        self._report(best, answers)
        return 0

    def _train(self) -> Best:
        from caffe_lite.cli.event_log import EventLog
        from caffe_lite.cli.log import start_log
        from caffe_lite.cli.run_record import RunRecord
        from caffe_lite.cli.signals import SignalRequests
        from caffe_lite.cli.solver_log import SolverLog
        from caffe_lite.fit.training import Best, train

        self.live = start_log(self.files.logs, "train", quiet_terminal=True)
        best = Best(self.files.weights, self.args.patience, tell=self._tell)
        with (
            EventLog(self.files.logs, "train") as events,
            SignalRequests({"SIGINT": "stop", "SIGTERM": "stop"}) as requests,
        ):
            listener = SolverLog(self.live, events, self.plan.iterations)

            def record(solver: Solver) -> RunRecord:
                listener.solver = solver
                return RunRecord(solver, events, 4 * solver.param.display)

            train(
                self.files.solver,
                self.ops,
                self.args.weights,
                best,
                [listener],
                requests,
                record,
            )
        self.live.finish()
        start_log(quiet=True)
        return best

    def _tell(self, line: str) -> None:
        self.live.finish()
        print(line, flush=True)

    def _evaluate(self) -> list[Answer]:
        from caffe_lite.data.mean_file import read_mean
        from caffe_lite.export.deploy import deploy_net
        from caffe_lite.fit.evaluation import answers
        from caffe_lite.lrcn.image_input import ImageInput
        from caffe_lite.proto import load, text
        from caffe_lite.recognition.classifier import ImageClassifier
        from caffe_lite.recognition.usable_net import usable_net

        channels = 1 if self.plan.grey else 3
        crop = self.plan.crop
        size = (crop, crop) if crop else self.plan.size
        shapes = {self.plan.data: (1, channels, *size)}
        definition = load.load_net(self.files.net)
        text.write(self.files.deploy, deploy_net(definition, shapes=shapes).param)
        images = ImageInput(
            (channels, *size), self.plan.size, read_mean(self.files.mean), self.plan.scale
        )
        with usable_net(
            load.load_net(self.files.deploy), self.ops, self.files.weights, self.files.deploy
        ) as net:
            return answers(ImageClassifier(net, images), self.images.root, self.parts.test)

    def _report(self, best: Best, answers: list[Answer]) -> None:
        from caffe_lite.fit.commands import commands
        from caffe_lite.fit.evaluation import class_scores, worst
        from caffe_lite.fit.pictures import can_draw, draw_pictures
        from caffe_lite.fit.report import Report, class_table, table_csv
        from caffe_lite.lrcn.pictures.confusion import confusion_matrix

        names = self.images.classes
        labels, given = [a.label for a in answers], [a.answer for a in answers]
        counts = confusion_matrix(labels, given, len(names))
        right = int(counts.trace())
        accuracy = right / max(len(answers), 1)
        scores = class_scores(counts, names)
        facts = [
            ("test accuracy", f"{accuracy:.4f} ({right} of {len(answers)} images)"),
            ("validation accuracy", f"{best.accuracy:.4f}, best at iteration {best.iteration}"),
            ("images", f"{len(self.parts.train):,} to train, {len(self.parts.val):,} to validate"),
            ("net", f"{self.plan.net}, {self.files.deploy}"),
            ("weights", self.files.weights),
        ]
        pictures = []
        if can_draw():
            wrong = worst(answers, MISTAKES)
            for name, title, content in draw_pictures(self.files.logs, counts, names, wrong):
                self._write(f"{name}.png", content)
                pictures.append((title, content))
        else:
            print("no pictures, as matplotlib is not installed: pip install 'caffe_lite[plot]'")
        steps = commands(self.files, self.plan, self.images.root, self.args.weights)
        report = Report(f"fit {self.args.images}", facts, scores, pictures, steps, self.unreadable)
        table = class_table(scores)
        for name, written in (
            ("report.html", report.html()),
            ("classes.csv", table_csv(table)),
            ("commands.sh", "\n".join([*HEAD, *steps]) + "\n"),
        ):
            self._write(name, written.encode("utf-8", "surrogateescape"))
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        for row in table:
            cells = [row[0].ljust(widths[0])] + [
                c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)
            ]
            print("  " + "  ".join(cells))
        print(f"test accuracy {facts[0][1]}")
        print(f"{self.files.path('report.html')}: curves, confusions, mistakes, commands")

    def _write(self, name: str, content: bytes) -> None:
        from caffe_lite.proto.atomic import atomic_path

        with atomic_path(self.files.path(name)) as partial:
            partial.write_bytes(content)
