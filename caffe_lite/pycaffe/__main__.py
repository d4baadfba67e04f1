"""`python -m caffe_lite.pycaffe script.py [argument ...]`: run a script written for Caffe.

In it, `import caffe` gives `caffe_lite.pycaffe`.
"""

import runpy
import sys
from pathlib import Path

from caffe_lite.pycaffe.install import install_as_caffe


def main(arguments: list[str]) -> int:
    """Run the script `arguments[0]` with the rest as its arguments; returns the exit status."""
    if not arguments or not Path(arguments[0]).is_file():
        given = f"{arguments[0]} is no file; " if arguments else ""
        print(f"{given}usage: python -m caffe_lite.pycaffe script.py [...]", file=sys.stderr)
        return 2
    install_as_caffe()
    sys.argv[:] = arguments
    sys.path[0] = str(Path(arguments[0]).resolve().parent)
    runpy.run_path(arguments[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
