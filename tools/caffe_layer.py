"""Run one layer of a fork of Caffe, by a program that was built outside this repository.

The program is `tools/run_caffe_layer.cpp`, linked with the layers of one fork. Its first lines say
what it reads and writes.
"""

import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """A layer: its definition for Caffe, its bottoms, and how to run it."""

    text: str
    bottoms: list[np.ndarray]
    flags: list[bool] = []  # propagate_down for each bottom; without any, no backward pass
    blobs: list[np.ndarray] = []  # learned blobs
    tops: int = 1
    forwards: int = 1  # how often forward runs; the last one counts
    top_diff: float | None = None  # the gradient of all tops, in place of random ones
    gpu: bool = False  # the fork has the layer, or its backward pass, for GPUs alone


def packed(array: np.ndarray) -> bytes:
    array = np.asarray(array, np.float32)
    return np.array([array.ndim, *array.shape], np.int32).tobytes() + array.tobytes()


def unpacked(data: bytes) -> list[np.ndarray]:
    arrays, position = [], 0
    while position < len(data):
        axes = int(np.frombuffer(data, np.int32, 1, position)[0])
        shape = np.frombuffer(data, np.int32, axes, position + 4)
        position += 4 * (1 + axes)
        count = int(shape.prod())
        arrays.append(np.frombuffer(data, np.float32, count, position).reshape(shape))
        position += 4 * count
    return arrays


def run(
    runner: str, case: Case, top_diffs: list[np.ndarray], folder: Path
) -> dict[str, np.ndarray]:
    """What the layer computes: top/i, bottom_diff/i, blob_diff/i, and blob_after/i of its blobs.

    Without `top_diffs` there is no backward pass.
    """
    (folder / "layer").write_text(f'name: "layer" {case.text}')
    backward = bool(top_diffs)
    numbers = [len(case.bottoms), case.tops, len(case.blobs), backward, case.forwards, case.gpu]
    data = np.array(numbers, np.int32).tobytes()
    data += b"".join(map(packed, [*case.bottoms, *case.blobs]))
    if backward:
        data += b"".join(map(packed, top_diffs)) + np.array(case.flags, np.int32).tobytes()
    (folder / "in").write_bytes(data)
    subprocess.run([runner, "layer", "in", "out"], cwd=folder, check=True)
    names = [f"top/{i}" for i in range(case.tops)]
    blobs = range(len(case.blobs))
    if backward:
        names += [f"bottom_diff/{i}" for i, flag in enumerate(case.flags) if flag]
        names += [f"blob_diff/{i}" for i in blobs]
    names += [f"blob_after/{i}" for i in blobs]
    return dict(zip(names, unpacked((folder / "out").read_bytes()), strict=True))


def top_diffs_of(runner: str, case: Case, folder: Path) -> list[np.ndarray]:
    """Gradients of the tops: random, or all `case.top_diff`."""
    if not case.flags:
        return []
    rng = np.random.default_rng(len(case.text))
    found = run(runner, case, [], folder)
    shapes = [found[f"top/{i}"].shape for i in range(case.tops)]
    if case.top_diff is not None:
        return [np.full(shape, case.top_diff, np.float32) for shape in shapes]
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def record(runner: str, case: Case, folder: Path) -> dict[str, Any]:
    """All that a test needs to replay the case."""
    top_diffs = top_diffs_of(runner, case, folder)
    arrays: dict[str, Any] = {
        "layer": np.array(" ".join(case.text.split())),
        "flags": np.array(case.flags, bool),
        "forwards": np.array(case.forwards),
    }
    arrays |= {f"bottom/{i}": np.asarray(x, np.float32) for i, x in enumerate(case.bottoms)}
    arrays |= {f"blob/{i}": np.asarray(x, np.float32) for i, x in enumerate(case.blobs)}
    arrays |= {f"top_diff/{i}": x for i, x in enumerate(top_diffs)}
    return arrays | run(runner, case, top_diffs, folder)
