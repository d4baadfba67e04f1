"""Weights as an npz file, with the net's definition."""

from __future__ import annotations

from pathlib import Path

from caffe_lite.export.formats import Job
from caffe_lite.export.proof import Proof
from caffe_lite.export.stored import check_file, layers_of
from caffe_lite.proto import text
from caffe_lite.weights.npz import write_npz

SUFFIX = ".npz"
EXTRA = ""
PACKAGES = ()
CHECKERS = ()
OPTIONS = ()


def write(job: Job, path: Path) -> list[Path]:
    """Write the weights of the net's layers, blobs as arrays "<layer>/<number>"."""
    write_npz(layers_of(job.net), text.format(job.definition), path)
    return [path]


def check(job: Job, path: Path) -> Proof:
    """Read the file, and compare it with the net."""
    return check_file(job.net, path)
