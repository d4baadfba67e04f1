"""Times a program's loop over frames with caffe_lite.dnn and with OpenCV 4, in one process.

    python benchmarks/dnn.py FOLDER [--frames 100] [--record FILE] [--only TEXT]

FOLDER holds what tools/compare_opencv_samples.py takes. Each frame of 640 x 480 goes through
blobFromImage, setInput and forward of one, then of the other; who is first changes from frame to
frame. OpenPose runs a tenth of the frames. The table gives the medians in milliseconds, and the
median of the ratios of each pair. Needs OpenCV 4 beside the package. OMP_NUM_THREADS sets the
number of threads of both.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import caffe_lite.dnn as dnn  # noqa: E402
from caffe_lite.backend.describe import processor_name  # noqa: E402
from caffe_lite.backend.processors import thread_count  # noqa: E402
from tools.compare_opencv_samples import SAMPLES, weights_of  # noqa: E402

CASES = {
    "face_detector": "res10 face detector, 300 x 300",
    "mobilenet_ssd": "MobileNet-SSD, 300 x 300",
    "googlenet": "GoogLeNet, 224 x 224",
    "openpose": "OpenPose body (COCO), 368 x 368",
}
WARM_UP = 3


def loop(module: Any, files: list[str], name: str) -> Callable[[np.ndarray], np.ndarray]:
    """What the program does with a frame."""
    net, sample = module.readNetFromCaffe(*files), SAMPLES[name]

    def run(frame: np.ndarray) -> np.ndarray:
        net.setInput(module.blobFromImage(frame, sample.scale, sample.size, sample.mean))
        output: np.ndarray = net.forward()
        return output

    return run


def measure(name: str, folder: Path, frames: int) -> tuple[float, float, float]:
    """Medians of a frame's milliseconds, here and in OpenCV, and of their ratio."""
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (4, 480, 640, 3)).astype(np.uint8)
    definition, weights = folder / f"{name}.prototxt", folder / f"{name}.caffemodel"
    with tempfile.TemporaryDirectory() as made:
        if not weights.exists():
            sample = SAMPLES[name]
            blob = dnn.blobFromImage(pictures[0], sample.scale, sample.size, sample.mean)
            weights = weights_of(definition, Path(made) / "net.caffemodel", blob)
        loops = [loop(m, [str(definition), str(weights)], name) for m in (dnn, cv2.dnn)]
    times: list[list[float]] = [[], []]
    for i in range(WARM_UP + frames):
        for which in (i % 2, 1 - i % 2):
            begin = time.perf_counter()
            loops[which](pictures[i % len(pictures)])
            if i >= WARM_UP:
                times[which].append(1000 * (time.perf_counter() - begin))
    ratios = [a / b for a, b in zip(*times, strict=True)]
    return statistics.median(times[0]), statistics.median(times[1]), statistics.median(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--record", type=Path, help="write the table to this file")
    parser.add_argument("--only", default="", help="nets whose name has this in it")
    args = parser.parse_args()
    cv2.setNumThreads(thread_count())
    lines = [
        "# A loop over frames with caffe_lite.dnn and with OpenCV",
        "",
        f"`python benchmarks/dnn.py FOLDER`: {args.frames} frames of 640 x 480 (OpenPose: a tenth)",
        f"with {thread_count()} threads on an {processor_name()}, {date.today()}, beside OpenCV",
        f"{cv2.__version__}. Medians of a frame's milliseconds (blobFromImage, setInput, forward);",
        "the ratio is the median over pairs that ran one after the other.",
        "",
        "| net | caffe_lite.dnn | OpenCV | ratio |",
        "|---|---|---|---|",
    ]
    print("\n".join(lines))
    for name, title in CASES.items():
        if args.only in name:
            frames = max(args.frames // 10, 3) if name == "openpose" else args.frames
            mine, theirs, ratio = measure(name, args.folder, frames)
            lines.append(f"| {title} | {mine:.1f} | {theirs:.1f} | {ratio:.2f} |")
            print(lines[-1], flush=True)
    if args.record:
        args.record.write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
