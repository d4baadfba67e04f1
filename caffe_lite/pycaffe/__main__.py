"""`python -m caffe_lite.pycaffe [--cpu] script.py [argument ...]`: run a script written for Caffe.

In the script, `import caffe` gives `caffe_lite.pycaffe`. With --cpu it runs on the CPU even if it
calls `set_mode_gpu`.
"""

import runpy
import sys
from pathlib import Path

from caffe_lite.pycaffe.install import install_as_caffe
from caffe_lite.pycaffe.mode import use_cpu_only


def main(arguments: list[str]) -> int:
    """Run a script with its arguments, after an optional --cpu; returns the exit status."""
    on_cpu = arguments[:1] == ["--cpu"]
    arguments = arguments[on_cpu:]
    if not arguments or not Path(arguments[0]).is_file():
        given = f"{arguments[0]} is not a file; " if arguments else ""
        usage = "usage: python -m caffe_lite.pycaffe [--cpu] script.py [...]"
        print(f"{given}{usage}", file=sys.stderr)
        return 2
    if on_cpu:
        use_cpu_only()
    install_as_caffe()
    sys.argv[:] = arguments
    sys.path[0] = str(Path(arguments[0]).resolve().parent)
    runpy.run_path(arguments[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
