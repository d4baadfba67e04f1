"""Run OpenCV's recorded tests of Caffe layers through caffe_lite.dnn.

    git clone --depth 1 --branch 4.x https://github.com/opencv/opencv_extra
    python -m tools.opencv_layer_tests opencv_extra/testdata/dnn/layers

A test is a definition, perhaps a caffemodel, arrays for the inputs and, mostly, the output that
Caffe or its fork gave. Prints the largest difference from that output and, with OpenCV 4
installed, from OpenCV's output. Exits with 1 if a test fails or differs by more than 1e-4.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

import caffe_lite.dnn as dnn

TOLERANCE = 1e-4
# Inputs whose arrays are not `<test>.<input>`, `<test>.input_<i>`, `<test>.input` or `blob`.
INPUTS: dict[tuple[str, str], Any] = {
    ("net_faster_rcnn_proposal", "rpn_cls_prob_reshape"): "net_faster_rcnn_proposal.scores",
    ("net_faster_rcnn_proposal", "rpn_bbox_pred"): "net_faster_rcnn_proposal.deltas",
    ("net_faster_rcnn_proposal", "im_info"): np.array([[600, 800, 1.6]], np.float32),
}
OUTPUTS = {
    "prior_box": "priorbox_output",
    "net_faster_rcnn_proposal": "net_faster_rcnn_proposal.out_rois",
    "reshape_and_slice_routines": "blob",
}


def read(folder: Path, name: str) -> np.ndarray | None:
    file = folder / f"{name}.npy"
    return np.load(file) if file.exists() else None


def files_of(file: Path) -> list[str]:
    weights = file.with_suffix(".caffemodel")
    return [str(file), *([str(weights)] if weights.exists() else [])]


def inputs_of(file: Path) -> dict[str, np.ndarray]:
    """The arrays of a test by input; random ones of the declared shape where none is recorded."""
    folder, test = file.parent, file.stem
    net = dnn.readNetFromCaffe(*files_of(file))
    names = net.input_names()
    found = {}
    for i, (name, shape) in enumerate(zip(names, net.declared_shapes(), strict=True)):
        given = INPUTS.get((test, name), f"{test}.{name}")
        options = [given, f"{test}.input_{i}", f"{test}.input"]
        options += ["blob"] if len(names) == 1 else []
        arrays = [each if isinstance(each, np.ndarray) else read(folder, each) for each in options]
        recorded = [array for array in arrays if array is not None]
        rng = np.random.default_rng(len(name))
        found[name] = recorded[0] if recorded else rng.random(shape, np.float32)
    return found


def run(module: Any, file: Path, inputs: dict[str, np.ndarray]) -> np.ndarray:
    net = module.readNetFromCaffe(*files_of(file))
    for name, values in inputs.items():
        net.setInput(values, name)
    output: np.ndarray = net.forward()
    return output


def difference(mine: np.ndarray, other: np.ndarray | None) -> float:
    """The largest difference, NaN without an array to compare with.

    Rows of `mine` beyond those of `other` must be zeros, as OpenCV fills up regions.
    """
    if other is None:
        return float("nan")
    flat = np.zeros(mine.size)
    flat[: other.size] = other.reshape(-1)
    return float(np.abs(mine.reshape(-1) - flat).max())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="testdata/dnn/layers of opencv_extra")
    try:
        import cv2
    except ImportError:
        cv2 = None
    passed = failed = 0
    for file in sorted(parser.parse_args().folder.glob("*.prototxt")):
        inputs = inputs_of(file)
        mine = run(dnn, file, inputs)
        recorded = read(file.parent, OUTPUTS.get(file.stem, file.stem))
        theirs = run(cv2.dnn, file, inputs) if cv2 else None
        apart = difference(mine, recorded), difference(mine, theirs)
        good = max(apart, key=lambda value: -1 if np.isnan(value) else value) <= TOLERANCE
        passed, failed = passed + good, failed + (not good)
        print(f"{file.stem:30} {apart[0]:9.2g} {apart[1]:9.2g}  {'' if good else 'DIFFERS'}")
    print(f"{passed} of {passed + failed} tests pass (differences from Caffe, from OpenCV)")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
