"""Time the CPU backend's hot operations, compared with PyTorch and with the machine's limits.

    python benchmarks/cpu_ops.py [--record FILE] [--only TEXT] [--repeat N] [--one-thread]

Prints a table: milliseconds of ours and of PyTorch (if it is installed), their ratio, the floor,
and its share of our time. The floor is the larger of flops / (flops per second of a large product)
and bytes / (bytes per second of a large copy), both measured in this run. CAFFE_LITE_NATIVE=0 times
the NumPy backend. On a shared machine, --one-thread compares processor time instead of wall time.
"""

import argparse
import os
import time
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy
from cpu_ops_cases import cases, torch

from caffe_lite.backend import get_ops
from caffe_lite.backend.describe import processor_name
from caffe_lite.backend.processors import thread_count


class Row(NamedTuple):
    name: str
    ours: float
    peer: float | None
    floor: float


class Stopwatch:
    """The shortest of several runs; short calls are repeated within a run."""

    def __init__(self, repeat: int, one_thread: bool) -> None:
        self.repeat = repeat
        self.clock = time.thread_time if one_thread else time.perf_counter

    def __call__(self, call: Any) -> float:
        """Milliseconds per call."""
        call()
        start = self.clock()
        call()
        inner = max(1, int(0.005 / max(1e-7, self.clock() - start)))
        times = []
        for _ in range(self.repeat):
            start = self.clock()
            for _ in range(inner):
                call()
            times.append((self.clock() - start) / inner)
        return min(times) * 1e3


def peaks(ops: Any, best: Stopwatch) -> tuple[float, float]:
    """Flops and bytes per millisecond that this machine achieves."""
    a, out = ops.zeros((1536, 1536)), ops.empty((1536, 1536))
    flops = 2 * 1536**3 / best(lambda: ops.gemm(a, a, out))
    large, target = ops.zeros((1 << 25,)), ops.zeros((1 << 25,))
    traffic = 2 * large.nbytes / best(lambda: ops.relu(large, target))
    return flops, traffic


def measure(only: str, best: Stopwatch) -> tuple[Any, list[Row]]:
    ops = get_ops()
    flops, traffic = peaks(ops, best)
    rows = []
    for name, build in cases().items():
        if only not in name:
            continue
        case = build(ops)
        peer = best(case.peer) if case.peer else None
        time.sleep(0.02)  # PyTorch's threads keep spinning for a while
        ours = best(case.ours)
        rows.append(Row(name, ours, peer, max(case.flops / flops, case.bytes / traffic)))
    return (type(ops).__name__, flops, traffic), rows


def table(about: Any, rows: list[Row], how: str) -> str:
    name, flops, traffic = about
    lines = [
        f"{date.today()}, {processor_name()}, {how}, "
        f"NumPy {numpy.__version__}, {name}, "
        f"OPENBLAS_CORETYPE={os.environ.get('OPENBLAS_CORETYPE', '(unset)')}.",
        f"Large product {flops / 1e6:.0f} GFlop/s, large copy {traffic / 1e6:.1f} GB/s; "
        "milliseconds, best of several runs.",
        "",
        "| operation | ours | PyTorch | ours / PyTorch | floor | floor / ours |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        peer = "-" if row.peer is None else f"{row.peer:.3f}"
        ratio = "-" if row.peer is None else f"{row.ours / row.peer:.2f}"
        share = row.floor / row.ours
        lines.append(
            f"| {row.name} | {row.ours:.3f} | {peer} | {ratio} | {row.floor:.3f} | {share:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", type=Path, help="append the table to this file")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--one-thread", action="store_true", help="processor time of one thread")
    arguments = parser.parse_args()
    how = f"{thread_count()} threads, wall time"
    if arguments.one_thread:
        os.environ["CAFFE_LITE_THREADS"] = "1"
        if torch:
            torch.set_num_threads(1)
        how = "1 thread, processor time"
    rows = measure(arguments.only, Stopwatch(arguments.repeat, arguments.one_thread))
    text = table(*rows, how)
    print(text, end="")
    if arguments.record:
        with arguments.record.open("a") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
