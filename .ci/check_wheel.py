"""Check that a wheel holds every file the package needs: check_wheel.py WHEEL [--with-library]

With --with-library it must also hold the compiled C library, under a tag that fits this system.
Without, it must hold no compiled code and be tagged for every system.
"""

import argparse
import sys
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "caffe_lite"
LIBRARY = "caffe_lite/backend/native/library.so"
# Files of these kinds, wherever they lie in the package, must be in the wheel.
KINDS = {
    ".py",
    ".desc",
    ".cu",
    ".cuh",
    ".c",
    ".h",
    ".npz",
    ".typed",
    ".md",
    ".txt",
    ".json",
    ".prototxt",
    ".html",
    ".css",
    ".js",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--with-library", action="store_true")
    arguments = parser.parse_args()
    wheel = arguments.wheel
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.suffix in KINDS and "__pycache__" not in path.parts
    }
    problems = [
        f"{name} is missing; add its kind to package-data in pyproject.toml"
        for name in sorted(wanted - held)
    ]
    problems += [
        f"{name} does not belong to the package"
        for name in sorted(held)
        if not name.startswith(("caffe_lite/", "caffe_lite-"))
    ]
    problems += library_problems(wheel, held, arguments.with_library)
    for problem in problems:
        print(f"{wheel.name}: {problem}")
    print(f"{wheel.name}: {len(held)} files, {len(problems)} problems")
    return 1 if problems else 0


def library_problems(wheel: Path, held: set[str], wanted: bool) -> list[str]:
    compiled = sorted(name for name in held if name.endswith((".so", ".dylib", ".pyd")))
    python, abi, platform = wheel.stem.split("-")[-3:]
    problems = []
    if compiled != ([LIBRARY] if wanted else []):
        problems.append(f"holds compiled files {compiled}")
    if (python, abi) != ("py3", "none"):
        problems.append(f"its tag {python}-{abi} is not py3-none")
    if platform.startswith(("manylinux_", "linux_")) != wanted:
        problems.append(f"its platform is {platform}")
    return problems


if __name__ == "__main__":
    sys.exit(main())
