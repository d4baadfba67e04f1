"""Check the GPU backend against the CPU, then measure it, in under eight minutes.

    python tools/gpu_check.py [--gpu ID] [--out DIR] [--only SECTION ...] [--skip SECTION ...]

Needs this repository, NumPy, CuPy, protobuf, h5py and Pillow. If PyTorch is installed, its times
for the same nets are reported too. Prints a line per section and writes gpu_<device>.json and .md
into DIR (default benchmarks/results). Exits with 1 if a check fails.

Sections are independent: an error in one does not stop the others.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.gpu import (  # noqa: E402
    benchmarks,
    ceilings,
    gradients,
    graphs,
    kernels,
    layers,
    leaks,
    operations,
    recorded,
    report,
    training,
)
from tools.gpu.context import Context  # noqa: E402

SECTIONS: dict[str, Callable[[Context], None]] = {
    "operations": operations.run,
    "layers": layers.run,
    "recorded": recorded.run,
    "gradients": gradients.run,
    "graphs": graphs.run,
    "training": training.run,
    "leaks": leaks.run,
    "ceilings": ceilings.run,
    "kernels": kernels.run,
    "benchmarks": benchmarks.run,
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gpu", type=int, default=0, metavar="ID", help="device (default 0)")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results", metavar="DIR")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--skip", nargs="+", choices=SECTIONS, default=[])
    parser.add_argument(
        "--small", action="store_true", help="tiny sizes and few repeats, to test the script itself"
    )
    args = parser.parse_args(argv)
    names = [name for name in args.only if name not in args.skip]
    if not names:
        parser.error("every section is skipped")
    context = Context(args.gpu, args.small)
    print(f"{context.device['name']}, CUDA {context.device['runtime_version']}", flush=True)
    for name in names:
        run_section(context, name)
        paths = report.write(
            context, args.out
        )  # after each section, so that findings survive a crash
    print(f"written: {', '.join(map(str, paths))}")
    return 1 if context.failures else 0


def run_section(context: Context, name: str) -> None:
    """Run one section; an exception is a failure of that section."""
    section = context.begin(name)
    start = time.perf_counter()
    try:
        SECTIONS[name](context)
    except Exception as error:  # the other sections must still run
        traceback.print_exc()
        context.check(f"{name} ran to the end", False, f"{type(error).__name__}: {error}")
    section.seconds = time.perf_counter() - start
    failed = [check for check in section.checks if not check.passed]
    for check in failed:
        print(f"  FAILED {check.name}: {check.detail}")
    print(
        f"{name}: {len(section.checks) - len(failed)} of {len(section.checks)} checks passed, "
        f"{len(section.measurements)} measurements, {section.seconds:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
