"""Nets and solvers of a training step, and what it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from caffe_lite.proto.atomic import atomic_path


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write text files by name."""
    for name, content in files.items():
        with atomic_path(folder / name) as partial:
            partial.write_text(content)


def final_weights(folder: Path, solver: str) -> Path:
    """The caffemodel that training with the text of a solver leaves in `folder`."""
    from caffe_lite.proto import schema, text

    param = text.parse(solver, schema.SolverParameter)
    return folder / f"{param.snapshot_prefix}_iter_{param.max_iter}.caffemodel"


def train_words(solver: str, weights: Path | None, gpu: str | None) -> tuple[str, ...]:
    """The words of a `train` that resumes, and keeps its last two snapshots."""
    words = ["train", "--solver", solver, "--resume", "--keep", "2"]
    words += ["--weights", str(weights)] if weights else []
    return (*words, *device_words(gpu))


def device_words(gpu: str | None) -> tuple[str, ...]:
    return () if gpu is None else ("--gpu", gpu)
