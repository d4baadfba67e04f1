"""Random nets through caffe_lite.dnn and OpenCV 4, every layer compared, and what both say of them.

    python -m tools.compare_dnn_with_opencv [NETS]

Needs OpenCV 4 beside the package: `pip install "opencv-python-headless<5"`. Prints each difference
and exits with 1 if there is one: in names, ids, types, shapes, FLOPS or memory at all, in values
above 1e-4 of the largest.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import caffe_lite.dnn as dnn
from tools.dnn_answers import facts, values
from tools.dnn_nets import RandomNet

TOLERANCE = 1e-4


def main() -> int:
    import cv2

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    faults = refused = 0
    for seed in range(count):
        with tempfile.TemporaryDirectory() as folder:
            made = RandomNet(seed)
            files = str(Path(folder) / "net.prototxt"), str(made.weights(Path(folder)))
            inputs = made.values()
            nets = [module.readNetFromCaffe(*files) for module in (dnn, cv2.dnn)]
            nets[1].enableFusion(False)  # some of OpenCV's fusions change results
            shapes = [array.shape for array in inputs.values()]
            try:
                said = [facts(net, shapes) for net in nets]
            except cv2.error as error:
                refused += 1
                print(f"net {seed}: OpenCV refuses it: {' '.join(str(error).split())[-150:]}")
                continue
            for key, mine in said[0].items():
                if mine != said[1][key]:
                    faults += 1
                    print(f"net {seed}: {key}: {mine} here, {said[1][key]} in OpenCV")
            mine, theirs = (values(net, inputs) for net in nets)
            for key in theirs:
                if mine[key].shape != theirs[key].shape:
                    faults += 1
                    print(f"net {seed}: {key}: {mine[key].shape}, OpenCV {theirs[key].shape}")
                    continue
                apart = np.abs(mine[key] - theirs[key]).max()
                if not apart <= TOLERANCE * max(1, np.abs(theirs[key]).max()):
                    faults += 1
                    print(f"net {seed}: {key}: differs by {apart:.2g}")
    print(f"{count} nets, {refused} refused by OpenCV, {faults} differences")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
