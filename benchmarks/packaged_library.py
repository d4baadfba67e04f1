"""Times the C library of a wheel beside the one compiled for this processor.

    python benchmarks/packaged_library.py [--record FILE] [--only TEXT] [--rounds N]

Needs caffe_lite installed from a platform wheel, and a C compiler. Prints a table: milliseconds of
processor time on one thread, medians of rounds that alternate between the two libraries, and their
ratio. Below it is the geometric mean of the ratios.
"""

import argparse
import math
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

from caffe_lite.backend.native_ops import NativeOps
from cpu_ops_cases import cases

from caffe_lite.backend.describe import processor_name
from caffe_lite.backend.native import Library, build, packaged

CHOSEN = (
    "CaffeNet conv2", "CaffeNet conv3, batch 1", "1x1 256", "depthwise", "digits 3x3", "fc8",
    "LSTM", "max pool", "average pool", "ReLU", "LRN", "softmax", "bias", "SGD", "Adam",
)  # fmt: skip


def milliseconds(call: Any, count: int) -> float:
    start = time.thread_time()
    for _ in range(count):
        call()
    return (time.thread_time() - start) / count * 1e3


def compare(ops: Any, call: Any, libraries: list[Library], rounds: int) -> tuple[Any, float]:
    """Median milliseconds of `call` with each library, and the median ratio first / second.

    Both work on the same arrays: where an array lies in memory changes times by several percent.
    """
    call()
    count = max(1, int(30 / max(0.001, milliseconds(call, 1))))
    times = []
    for i in range(rounds):
        found = [0.0, 0.0]
        for which in (0, 1) if i % 2 else (1, 0):
            ops.library = libraries[which]
            call()
            found[which] = milliseconds(call, count)
        times.append(found)
    ratio = statistics.median(first / second for first, second in times)
    return [statistics.median(column) for column in zip(*times, strict=True)], ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", type=Path, help="append the table to this file")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    prefix = packaged.prefix("float")
    libraries = [
        Library(str(packaged.PATH), 1, prefix),
        Library(str(build.library("float")), 1),
    ]
    ops = NativeOps(libraries[0])
    lines = [
        f"{date.today()}, {processor_name()}, one thread, processor time; packaged variant "
        f"{prefix.split('_')[1]}.",
        "",
        "| operation | packaged, ms | compiled here, ms | packaged / compiled |",
        "|---|---|---|---|",
    ]
    ratios = []
    for name, make in cases().items():
        if arguments.only not in name or not name.startswith(CHOSEN):
            continue
        times, ratio = compare(ops, make(ops).ours, libraries, arguments.rounds)
        lines.append(f"| {name} | {times[0]:.3f} | {times[1]:.3f} | {ratio:.3f} |")
        ratios.append(ratio)
    mean = math.exp(statistics.fmean(map(math.log, ratios)))
    lines += ["", f"Geometric mean of the ratios: {mean:.3f}."]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if arguments.record:
        with arguments.record.open("a") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
