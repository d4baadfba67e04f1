"""Run a net with its trained weights here and in OpenCV, and print how far the outputs differ.

    python tools/compare_with_opencv.py DEPLOY.PROTOTXT WEIGHTS.CAFFEMODEL [--size H W] [--images N]

Needs OpenCV 4 beside the package: `pip install "opencv-python-headless<5"`. The inputs are smooth
random pictures of 8-bit levels less 128. Exits with 1 if a number differs by more than 1e-4, or if
the detections are not the same ones.
"""

import argparse
import sys

import cv2
import numpy as np

from caffe_lite import Net
from caffe_lite.proto import schema

TOLERANCE = 1e-4
DETECTION = 7  # columns of DetectionOutput's rows: image, label, score, box


def pictures(count: int, shape: tuple[int, ...]) -> np.ndarray:
    """Waves of random direction and some noise (count, C, H, W)."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[: shape[2], : shape[3]] / 40
    waves = [
        [np.sin(x * a + y * b + c) for a, b, c in rng.uniform(-3, 3, (shape[1], 3))]
        for _ in range(count)
    ]
    return (100 * np.array(waves) + 9 * rng.normal(size=(count, *shape[1:]))).astype(np.float32)


def difference(mine: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference; of detections, each with the nearest of its image and label."""
    if theirs.shape[-1] != DETECTION:
        return float(np.abs(mine.reshape(theirs.shape) - theirs).max())
    mine, theirs = detections(mine), detections(theirs)
    if len(mine) != len(theirs):
        return float("inf")
    if not len(mine):
        return 0.0
    apart = np.abs(mine[:, None] - theirs).max(axis=2)
    return float(max(apart.min(axis=0).max(), apart.min(axis=1).max()))


def detections(rows: np.ndarray) -> np.ndarray:
    """The rows that are detections (n, 7).

    OpenCV fills up to keep_top_k rows with zeros; Caffe says with a row of -1 that there is none.
    """
    rows = rows.reshape(-1, DETECTION)
    return rows[(rows[:, 1] >= 0) & (rows[:, 2] > 0)]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("deploy")
    parser.add_argument("weights")
    parser.add_argument("--size", nargs=2, type=int, metavar=("H", "W"), help="of the input")
    parser.add_argument("--images", type=int, default=3, metavar="N", help="pictures (default 3)")
    args = parser.parse_args()
    opencv = cv2.dnn.readNetFromCaffe(args.deploy, args.weights)
    worst = 0.0
    with Net(args.deploy, schema.TEST) as net:
        net.copy_trained_layers_from(args.weights)
        name = net.inputs[0]
        shape = (1, net.blobs[name].shape[1], *(args.size or net.blobs[name].shape[2:]))
        net.blobs[name].reshape(*shape)
        for picture in pictures(args.images, shape):
            net.blobs[name].data[...] = net.ops.asarray(picture[None])
            net.forward()
            opencv.setInput(picture[None], name)
            theirs = opencv.forward(net.outputs)
            for output, values in zip(net.outputs, theirs, strict=True):
                apart = difference(net.ops.to_host(net.blobs[output].data), values)
                print(f"{output} {values.shape}: {apart:.2g}")
                worst = max(worst, apart)
    return int(not worst <= TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
