"""Record what the forks of Caffe themselves compute: tests/reference/forks/caffe_*.npz.

    python -m tools.record_forks_with_caffe RUNNERS [FAMILY ...]

RUNNERS is a folder of programs, one for each fork that a module of `tools/fork_cases/` names in
RUNNERS: `tools/run_caffe_layer.cpp`, linked with that fork's layers outside this repository. A
family is the name of such a module (default: all). A case is one layer with random bottoms,
learned blobs and gradients of its tops. `tests/forks/test_caffe.py` replays the cases.
"""

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tools.caffe_layer import record

ROOT = Path(__file__).resolve().parent
REFERENCES = ROOT.parent / "tests/reference/forks"


def main() -> None:
    runners = Path(sys.argv[1]).resolve()
    every = sorted(path.stem for path in (ROOT / "fork_cases").glob("[a-z]*.py"))
    for family in sys.argv[2:] or every:
        arrays: dict[str, Any] = {}
        cases = import_module(f"tools.fork_cases.{family}").cases()
        with tempfile.TemporaryDirectory() as folder:
            for name, (runner, case) in cases.items():
                found = record(str(runners / runner), case, Path(folder))
                arrays |= {f"{name}/{key}": array for key, array in found.items()}
                shapes = [found[f"top/{i}"].shape for i in range(case.tops)]
                print(name, *shapes)
        target = REFERENCES / f"caffe_{family}.npz"
        np.savez_compressed(target, **arrays)
        print(f"{target.name}: {len(cases)} cases, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
