"""Draw the nets of the recorders anew, and compare what OpenCV and this package make of them.

    python -m tools.compare_forks_with_opencv [SEED ...]

Needs OpenCV 4 beside the package: `pip install "opencv-python-headless<5"`. The nets are those of
record_ssd_with_opencv, record_rcnn_with_opencv and record_forks_with_opencv; each seed gives other
inputs and weights. Prints the largest difference by layer type, and exits with 1 if one is above
1e-4 or if the detections are not the same ones.
"""

import sys
from collections import defaultdict

import cv2
import numpy as np

from caffe_lite import Net
from caffe_lite.proto import schema, text
from tools import record_forks_with_opencv as forks
from tools import record_rcnn_with_opencv as rcnn
from tools import record_ssd_with_opencv as ssd
from tools.compare_with_opencv import TOLERANCE, difference

Arrays = dict[str, np.ndarray]


def computed(prototxt: str, inputs: Arrays, weights: dict[str, list[np.ndarray]]) -> np.ndarray:
    """The blob "y" of the net here."""
    with Net(text.parse(prototxt, schema.NetParameter), schema.TEST) as net:
        for layer, blobs in weights.items():
            for blob, values in zip(net.params[layer], blobs, strict=True):
                blob.data[...] = values
        for name, values in inputs.items():
            net.blobs[name].data[...] = values
        net.forward()
        return net.ops.to_host(net.blobs["y"].data)


def drawn(seed: int) -> dict[str, tuple[str, Arrays, dict[str, list[np.ndarray]], np.ndarray]]:
    """By name: a net, its inputs and weights, and OpenCV's output."""
    ssd.RNG = np.random.default_rng(seed)
    rcnn.RNG = np.random.default_rng(seed)
    forks.RNG = np.random.default_rng(seed)
    found = {}
    plain = [ssd.permute, ssd.normalize, ssd.prior_box, ssd.detection_output, ssd.whole]
    plain += [forks.interp, forks.relu6, forks.channels, forks.depthwise]
    plain += [forks.small_net, forks.flownet]
    for cases in plain:
        for name, case in cases().items():
            found[name] = *case, ssd.run(case)
    for name, (prototxt, inputs) in (
        rcnn.roi_pooling() | rcnn.psroi_pooling() | rcnn.proposal()
    ).items():
        found[name] = prototxt, inputs, {}, rcnn.run((prototxt, inputs))
    return found


def main() -> int:
    seeds = [int(seed) for seed in sys.argv[1:]] or [1, 2, 3]
    worst: dict[str, float] = defaultdict(float)
    nets: dict[str, int] = defaultdict(int)
    for seed in seeds:
        for name, (prototxt, inputs, weights, theirs) in drawn(seed).items():
            apart = difference(computed(prototxt, inputs, weights), theirs)
            kind = name.partition("_")[0]
            nets[kind] += 1
            worst[kind] = max(worst[kind], apart)
            if not apart <= TOLERANCE:
                print(f"{name}, seed {seed}: {apart:.2g}", file=sys.stderr)
    print(f"OpenCV {cv2.__version__}, seeds {', '.join(map(str, seeds))}\n")
    print("| nets | number | largest difference |\n|---|---|---|")
    for kind in sorted(worst):
        print(f"| {kind} | {nets[kind]} | {worst[kind]:.1e} |")
    return int(not max(worst.values()) <= TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
