"""Train a Faster R-CNN on digits with boxes, and measure how well it finds those it has not seen.

    python benchmarks/faster_rcnn_digits.py [--threads N] [--folder DIR] [--out FILE]

Writes the scenes of `caffe_lite prepare ssd_digits` as PNG files and a window file, runs
prototxt/faster_rcnn_digits/solver.prototxt, finds the digits of 300 test images with the deploy
net, and computes the 11-point average precision without the package's code for boxes. Writes it,
and the time of training, to FILE (default benchmarks/results/faster_rcnn_digits.md).
"""

import argparse
import os
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TRAIN_IMAGES, TEST_IMAGES, CLASSES = 2000, 300, 11
STDS = (0.1, 0.1, 0.2, 0.2)
LEAST_SCORE, OVERLAP = 0.05, 0.4  # of a detection, and of two detections of one class at most


def write_images(folder: Path, count: int) -> None:
    """Write training scenes as PNG files, and train.txt with their boxes."""
    from PIL import Image

    from caffe_lite.datasets.ssd_digits import SIZE, make_scenes

    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, scene in enumerate(make_scenes(count, "train")):
        Image.fromarray(scene.image).save(folder / f"{number:06d}.png")
        lines += [f"# {number}", f"{number:06d}.png", "3", str(SIZE), str(SIZE)]
        lines.append(str(len(scene.labels)))
        for label, (x1, y1, x2, y2) in zip(scene.labels, scene.boxes, strict=True):
            lines.append(f"{label} 1 {x1} {y1} {x2 - 1} {y2 - 1}")
    (folder / "train.txt").write_text("\n".join(lines) + "\n")


def train(folder: Path) -> dict[str, Any]:
    """Train in `folder`; the path of the weights, and the seconds."""
    from caffe_lite.proto import load
    from caffe_lite.solvers import events
    from caffe_lite.solvers.registry import get_solver

    os.chdir(folder)
    if not Path("data/faster_rcnn_digits/train.txt").exists():
        write_images(Path("data/faster_rcnn_digits"), TRAIN_IMAGES)
    if not Path("prototxt").exists():
        Path("prototxt").symlink_to(ROOT / "prototxt")
    weights = ""

    def listen(event: events.Event) -> None:
        nonlocal weights
        if isinstance(event, events.IterationDisplayed):
            print(f"iteration {event.iteration}: loss {event.loss:.4f}", flush=True)
        elif isinstance(event, events.Snapshotted):
            weights = event.weights

    param = load.load_solver("prototxt/faster_rcnn_digits/solver.prototxt")
    begin, processor = time.perf_counter(), time.process_time()
    with get_solver(param, listeners=[listen]) as solver:
        solver.solve()
    return {
        "weights": weights,
        "seconds": time.perf_counter() - begin,
        "processor": time.process_time() - processor,
        "load": os.getloadavg()[1],
    }


def find(weights: str) -> tuple[list[list[float]], list[list[float]]]:
    """Rows (image, label, score, box) that the deploy net finds, and (image, label, box)."""
    import numpy as np

    from caffe_lite import Net
    from caffe_lite.datasets.ssd_digits import SIZE, make_scenes
    from caffe_lite.forks.boxes.nms import nms
    from caffe_lite.proto import schema

    found: list[list[float]] = []
    true: list[list[float]] = []
    with Net("prototxt/faster_rcnn_digits/deploy.prototxt", schema.TEST) as net:
        net.copy_trained_layers_from(weights)
        net.blobs["im_info"].data[...] = net.ops.asarray([[SIZE, SIZE, 1]])
        for image, scene in enumerate(make_scenes(TEST_IMAGES, "test")):
            net.blobs["data"].data[...] = net.ops.asarray(scene.image - 90.0)
            net.forward()
            rois, prob, codes = (
                net.ops.to_host(net.blobs[name].data) for name in ("rois", "cls_prob", "bbox_pred")
            )
            corners, size = rois[:, 1:3], rois[:, 3:5] - rois[:, 1:3] + 1
            for label in range(1, CLASSES):
                code = codes[:, 4 * label : 4 * label + 4] * STDS
                center = corners + size / 2 + code[:, :2] * size
                half = np.exp(code[:, 2:]) * size / 2
                boxes = np.concatenate([center - half, center + half], axis=1)
                scores = prob[:, label]
                for i in nms(boxes, scores, OVERLAP):
                    if scores[i] >= LEAST_SCORE:
                        found.append([image, label, float(scores[i]), *boxes[i].tolist()])
            pairs = zip(scene.labels.tolist(), scene.boxes.tolist(), strict=True)
            true += [[image, label, *box] for label, box in pairs]
    return found, true


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", default="2", help="threads of the CPU backend (default 2)")
    parser.add_argument("--folder", type=Path, default=Path("faster_rcnn_digits_run"))
    parser.add_argument(
        "--out", type=Path, default=ROOT / "benchmarks/results/faster_rcnn_digits.md"
    )
    args = parser.parse_args()
    os.environ["CAFFE_LITE_THREADS"] = args.threads
    sys.path.insert(0, str(Path(__file__).parent))
    from ssd_digits import precision_of

    args.folder.mkdir(parents=True, exist_ok=True)
    out = args.out.resolve()
    run = train(args.folder)
    found, true = find(run["weights"])
    precision = {label: precision_of(found, true, label) for label in range(1, CLASSES)}
    mean = sum(precision.values()) / len(precision)
    rows = "\n".join(f"| {label - 1} | {value:.4f} |" for label, value in precision.items())
    took = f"{run['seconds']:.0f} s ({run['processor']:.0f} s of processor time, load"
    out.write_text(f"""# Faster R-CNN on digits with boxes

`python benchmarks/faster_rcnn_digits.py --threads {args.threads}`, {date.today()}: 4,000
iterations of one image each took {took} {run["load"]:.1f}).
The 11-point mean average precision over {TEST_IMAGES} test images, whose digits are none of the
training's, is **{mean:.4f}**.

| digit | average precision |
|---|---|
{rows}
""")
    print(f"mean average precision {mean:.4f}")


if __name__ == "__main__":
    main()
