"""Check that a wheel holds every file the package needs beside its modules: check_wheel.py WHEEL"""

import sys
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "caffe_lite"
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
}


def main(wheel: str) -> int:
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.suffix in KINDS and "__pycache__" not in path.parts
    }
    missing = sorted(wanted - held)
    for name in missing:
        print(f"{wheel}: {name} is missing; add its kind to package-data in pyproject.toml")
    strangers = sorted(name for name in held if not name.startswith(("caffe_lite/", "caffe_lite-")))
    for name in strangers:
        print(f"{wheel}: {name} does not belong to the package")
    print(f"{Path(wheel).name}: {len(held)} files, {len(missing)} missing")
    return 1 if missing or strangers else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
