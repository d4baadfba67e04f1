"""Times the C library of a wheel beside the one compiled for this processor.

    python benchmarks/packaged_library.py [--record FILE] [--only TEXT] [--rounds N]

Needs caffe_lite installed from a platform wheel, and a C compiler. Prints a table: milliseconds of
processor time on one thread, medians of rounds that alternate between the two libraries, and their
ratio. The control is the ratio of the second library to itself: how far noise alone moves a ratio.
Below the table are the geometric means of both columns.
"""

import argparse
import math
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

from cpu_ops_cases import cases

from caffe_lite.backend.describe import processor_name
from caffe_lite.backend.native import Library, build, packaged
from caffe_lite.backend.native.ops import NativeOps

CHOSEN = (
    "CaffeNet conv2", "CaffeNet conv3, batch 1", "1x1 256", "depthwise", "digits 3x3", "fc8",
    "LSTM", "max pool", "average pool", "ReLU", "LRN", "softmax", "bias", "SGD", "Adam",
)  # fmt: skip


def milliseconds(call: Any, count: int) -> float:
    start = time.thread_time()
    for _ in range(count):
        call()
    return (time.thread_time() - start) / count * 1e3


def compare(ops: Any, call: Any, libraries: list[Library], rounds: int) -> list[list[float]]:
    """Milliseconds of `call` with each of the libraries, in each round.

    All work on the same arrays: where an array lies in memory changes times by several percent.
    """
    call()
    count = max(1, int(30 / max(0.001, milliseconds(call, 1))))
    times = []
    for i in range(rounds):
        found = [0.0] * len(libraries)
        for step in range(len(libraries)):
            which = (i + step) % len(libraries)
            ops.library = libraries[which]
            call()
            found[which] = milliseconds(call, count)
        times.append(found)
    return times


def ratio(times: list[list[float]], first: int, second: int) -> float:
    """The median over the rounds."""
    return statistics.median(found[first] / found[second] for found in times)


def geometric_mean(values: list[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, values)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", type=Path, help="append the table to this file")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    prefix = packaged.prefix("float")
    compiled = str(build.library("float"))
    libraries = [Library(str(packaged.PATH), 1, prefix), Library(compiled, 1), Library(compiled, 1)]
    ops = NativeOps(libraries[0])
    lines = [
        f"{date.today()}, {processor_name()}, one thread, processor time; packaged variant "
        f"{prefix.split('_')[1]}, {arguments.rounds} rounds.",
        "",
        "| operation | packaged, ms | compiled, ms | packaged / compiled | control |",
        "|---|---|---|---|---|",
    ]
    ratios, controls = [], []
    for name, make in cases().items():
        if arguments.only not in name or not name.startswith(CHOSEN):
            continue
        times = compare(ops, make(ops).ours, libraries, arguments.rounds)
        ratios.append(ratio(times, 0, 1))
        controls.append(ratio(times, 2, 1))
        first, second, _ = (statistics.median(column) for column in zip(*times, strict=True))
        row = f"| {name} | {first:.3f} | {second:.3f} | {ratios[-1]:.3f} | {controls[-1]:.3f} |"
        lines.append(row)
        print(row, flush=True)
    lines += [
        "",
        f"Geometric means: packaged / compiled {geometric_mean(ratios):.3f}, "
        f"control {geometric_mean(controls):.3f}.",
    ]
    text = "\n".join(lines) + "\n"
    print("\n" + text, end="")
    if arguments.record:
        with arguments.record.open("a") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
