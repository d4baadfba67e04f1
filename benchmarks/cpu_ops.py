"""Times the CPU backend's hot operations beside PyTorch's and beside what the machine could do.

    python benchmarks/cpu_ops.py [--record FILE] [--only TEXT] [--repeat N]

Prints a table: milliseconds of ours and of PyTorch (where it is installed), their ratio, and the
share of the floor: the larger of flops / (flops per second of a large product) and bytes / (bytes
per second of a large copy), both measured in this run. CAFFE_LITE_NATIVE=0 times the NumPy backend.
"""

import argparse
import os
import time
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy
from cpu_ops_cases import cases

from caffe_lite.backend import get_ops
from caffe_lite.backend.describe import processor_name


class Row(NamedTuple):
    name: str
    ours: float
    peer: float | None
    floor: float


def best(call: Any, repeat: int) -> float:
    """The shortest of `repeat` runs, in milliseconds; a short call is repeated within a run."""
    call()
    start = time.perf_counter()
    call()
    inner = max(1, int(0.005 / max(1e-7, time.perf_counter() - start)))
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        for _ in range(inner):
            call()
        times.append((time.perf_counter() - start) / inner)
    return min(times) * 1e3


def peaks(ops: Any, repeat: int) -> tuple[float, float]:
    """Flops and bytes per millisecond that this machine reaches."""
    a, out = ops.zeros((1536, 1536)), ops.empty((1536, 1536))
    flops = 2 * 1536**3 / best(lambda: ops.gemm(a, a, out), repeat)
    large, target = ops.zeros((1 << 25,)), ops.zeros((1 << 25,))
    traffic = 2 * large.nbytes / best(lambda: ops.relu(large, target), repeat)
    return flops, traffic


def measure(only: str, repeat: int) -> tuple[Any, list[Row]]:
    ops = get_ops()
    flops, traffic = peaks(ops, repeat)
    rows = []
    for name, build in cases().items():
        if only not in name:
            continue
        case = build(ops)
        peer = best(case.peer, repeat) if case.peer else None
        time.sleep(0.02)  # the peer's threads spin for a while after their last product
        ours = best(case.ours, repeat)
        rows.append(Row(name, ours, peer, max(case.flops / flops, case.bytes / traffic)))
    return (type(ops).__name__, flops, traffic), rows


def table(about: Any, rows: list[Row]) -> str:
    name, flops, traffic = about
    lines = [
        f"{date.today()}, {processor_name()}, {len(os.sched_getaffinity(0))} processors, "
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
    arguments = parser.parse_args()
    text = table(*measure(arguments.only, arguments.repeat))
    print(text, end="")
    if arguments.record:
        with arguments.record.open("a") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
