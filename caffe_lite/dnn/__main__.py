"""`python -m caffe_lite.dnn script.py [argument ...]`: run a script that was written for OpenCV.

In the script, `cv2.dnn` is `caffe_lite.dnn`, and the rest of `cv2` that of the installed OpenCV.
"""

import runpy
import sys
from pathlib import Path

from caffe_lite.dnn.install import install_as_cv2_dnn
from caffe_lite.errors import CaffeError


def main(arguments: list[str]) -> int:
    """Run a script with its arguments; returns the exit status."""
    if not arguments or not Path(arguments[0]).is_file():
        given = f"{arguments[0]} is not a file; " if arguments else ""
        print(f"{given}usage: python -m caffe_lite.dnn script.py [...]", file=sys.stderr)
        return 2
    try:
        install_as_cv2_dnn()
    except CaffeError as error:
        print(error, file=sys.stderr)
        return 1
    sys.argv[:] = arguments
    sys.path[0] = str(Path(arguments[0]).resolve().parent)
    runpy.run_path(arguments[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
