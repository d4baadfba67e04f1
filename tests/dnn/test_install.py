"""Scripts that import cv2, run by `python -m caffe_lite.dnn`, beside a stand-in for OpenCV."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CV2 = """
import types, sys
class error(Exception): pass
class dnn_Net: pass
def imread(path): return "a picture"
dnn = types.ModuleType("cv2.dnn")
dnn.readNet = lambda *a: "OpenCV's net of " + a[0]
dnn.readNetFromONNX = lambda path: "OpenCV's net"
dnn.readNetFromCaffe = lambda *a: 1 / 0
dnn.Net = dnn_Net
sys.modules["cv2.dnn"] = dnn
"""
SCRIPT = """
import sys
import cv2 as cv
import numpy as np
import cv2.dnn
from cv2 import dnn
from cv2.dnn import readNetFromCaffe

class Twice:
    def __init__(self, params, blobs): self.factor = params["scale"]
    def getMemoryShapes(self, inputs): return [inputs[0]]
    def forward(self, inputs): return [2 * self.factor * inputs[0]]

cv.dnn_registerLayer("Twice", Twice)
text = b'input: "x" layer { name: "y" type: "Twice" bottom: "x" top: "y" power_param { scale: 3 } }'
net = readNetFromCaffe(text)
assert isinstance(net, cv.dnn_Net) and isinstance(net, cv.dnn.Net)
net.setInput(np.ones((1, 2), np.float32))
print(net.forward().tolist(), cv.imread("x"), dnn.readNetFromONNX("x"), sys.argv[1:])
print(cv.dnn.readNet("a.onnx"), cv.dnn.DNN_TARGET_CUDA, __name__)
try:
    cv.dnn.readNet("missing.caffemodel", "missing.prototxt")
except cv.error as error:
    print("caught", str(error).partition(":")[0])
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), *sys.path])
    return subprocess.run(
        [sys.executable, "-m", "caffe_lite.dnn", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_script_uses_this_dnn_and_the_installed_cv2(tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text(CV2)
    (tmp_path / "script.py").write_text(SCRIPT)
    done = run(tmp_path, "script.py", "--size", "3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "[[6.0, 6.0]] a picture OpenCV's net ['--size', '3']",
        "OpenCV's net of a.onnx 6 __main__",
        "caught missing.prototxt",
    ]


@pytest.mark.parametrize("arguments", [[], ["missing.py"]])
def test_without_a_script_the_usage_is_shown(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert "usage: python -m caffe_lite.dnn script.py" in done.stderr


def test_without_opencv_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('no cv2 here')")
    (tmp_path / "script.py").write_text("import cv2")
    done = run(tmp_path, "script.py")
    assert done.returncode == 1
    assert "pip install opencv-python" in done.stderr and "Traceback" not in done.stderr
