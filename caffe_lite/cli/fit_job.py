"""A run of `fit`, step by step, and what it prints."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from typing import TYPE_CHECKING

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

MISTAKES = 24  # images on the sheet
HEAD = (
    "#!/bin/sh",
    "# Run in the folder where fit ran, after `rm -r` of the databases that are to be made anew.",
    "# train keeps the last weights, as snapshot_iter_N; fit kept those of the best test.",
    "set -e",
)


class FitJob:
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
