"""The files of a fit: where they are, and writing those that a training reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing

from caffe_lite.data.image_mean import mean_of, write_mean
from caffe_lite.data.image_records import Conversion, Entry, convert
from caffe_lite.data.lists import write_lines
from caffe_lite.data.lmdb_source import LmdbSource
from caffe_lite.data.lmdb_writer import LmdbWriter
from caffe_lite.errors import DataError
from caffe_lite.fit.collection import Collection
from caffe_lite.fit.definition import Input, solver_for, training_net
from caffe_lite.fit.plan import Choices, Plan
from caffe_lite.fit.split import Split
from caffe_lite.proto import text

Progress = Callable[[str, int, int], None]


class Files:
    """Paths below the folder `out`."""

    def __init__(self, out: str) -> None:
        self.out = out
        self.train, self.val, self.test = (self.path(f"{p}.txt") for p in ("train", "val", "test"))
        self.train_db, self.val_db = self.path("train_lmdb"), self.path("val_lmdb")
        self.mean = self.path("mean.binaryproto")
        self.net, self.solver = self.path("train_val.prototxt"), self.path("solver.prototxt")
        self.deploy, self.weights = self.path("deploy.prototxt"), self.path("best.caffemodel")
        self.classes, self.unreadable = self.path("classes.txt"), self.path("unreadable.txt")
        self.logs, self.prefix = self.path("logs"), self.path("snapshot")

    def path(self, name: str) -> str:
        return os.path.join(self.out, name)


def write_files(
    files: Files,
    images: Collection,
    parts: Split,
    plan: Plan,
    choices: Choices,
    progress: Progress,
) -> list[str]:
    """Write lists, databases, the mean, the net and the solver; the errors of unreadable images.

    Raises DataError if no image of a part can be decoded, CaffeError if writing fails.
    """
    for path, entries in (
        (files.train, parts.train),
        (files.val, parts.val),
        (files.test, parts.test),
    ):
        write_lines(path, [f"{entry.path} {entry.label}" for entry in entries])
    write_lines(files.classes, images.classes)
    conversion = Conversion(plan.size[0], plan.size[1], not plan.grey)
    unreadable = list(images.unreadable)
    for path, entries in ((files.train_db, parts.train), (files.val_db, parts.val)):
        unreadable += _write_database(path, images.root, entries, conversion, progress)
    with closing(LmdbSource(files.train_db)) as source:
        write_mean(files.mean, mean_of(source))
    text.write(
        files.net,
        training_net(plan.body, plan.data, plan.score, _input(files, parts, plan, choices)),
    )
    solver = solver_for(
        files.net,
        files.prefix,
        plan.rate,
        plan.iterations,
        plan.interval,
        parts.batches,
        choices.seed,
    )
    text.write(files.solver, solver)
    if unreadable:
        write_lines(files.unreadable, unreadable)
    return unreadable


def _input(files: Files, parts: Split, plan: Plan, choices: Choices) -> Input:
    return Input(
        files.train_db,
        files.val_db,
        files.mean,
        plan.crop,
        plan.scale,
        choices.mirror,
        plan.batch,
        parts.batch,
    )


def _write_database(
    path: str, root: str, entries: Sequence[Entry], conversion: Conversion, progress: Progress
) -> list[str]:
    errors = []
    with LmdbWriter(path) as writer:
        for number, (key, result) in enumerate(convert(list(entries), root, conversion), 1):
            if isinstance(result, DataError):
                errors.append(str(result))
            else:
                writer.put_under(key, result[0])
            progress("images", number, len(entries))
        if len(errors) == len(entries):
            raise DataError(f"none of {len(entries)} images can be decoded: {errors[0]}")
    return errors
