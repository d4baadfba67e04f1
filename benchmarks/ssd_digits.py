"""Train an SSD on digits with boxes, and measure how well it finds those it has not seen.

    python benchmarks/ssd_digits.py [--threads N] [--folder DIR] [--out FILE]

Runs prototxt/ssd_digits/solver.prototxt, whose tests give the mean average precision by
DetectionEvaluate; then finds the test images' digits again with the deploy net, one image at a
time, and computes the precision a second time without the package's code for boxes. Writes both,
and the time of training, to FILE (default benchmarks/results/ssd_digits.md).
"""

import argparse
import os
import time
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CLASSES, OVERLAP = range(1, 11), 0.5


def train(folder: Path) -> dict[str, Any]:
    """Train in `folder`; the weights' path, the seconds, and the precision that tests gave."""
    from caffe_lite.datasets.export_boxes import write_ssd_digits
    from caffe_lite.proto import load
    from caffe_lite.solvers import events
    from caffe_lite.solvers.registry import get_solver

    os.chdir(folder)
    write_ssd_digits("data/ssd_digits")
    if not Path("prototxt").exists():
        Path("prototxt").symlink_to(ROOT / "prototxt")
    precision: dict[int, float] = {}
    weights = ""

    def listen(event: events.Event) -> None:
        nonlocal weights
        if isinstance(event, events.TestDone):
            precision[event.iteration] = event.outputs[0].value
            print(f"iteration {event.iteration}: precision {event.outputs[0].value:.4f}")
        elif isinstance(event, events.Snapshotted):
            weights = event.weights

    path = "prototxt/ssd_digits/solver.prototxt"
    solver = get_solver(load.load_solver(path), listeners=[listen])
    begin, processor = time.perf_counter(), time.process_time()
    with solver:
        solver.solve()
    return {
        "weights": weights,
        "precision": precision,
        "seconds": time.perf_counter() - begin,
        "processor": time.process_time() - processor,
        "load": os.getloadavg()[1],
    }


def find(weights: str) -> tuple[list[list[float]], list[list[float]]]:
    """Rows (image, label, score, box) that the deploy net finds, and (image, label, box)."""
    from caffe_lite import Net
    from caffe_lite.data.lmdb_source import LmdbSource
    from caffe_lite.datasets.ssd_digits import SIZE
    from caffe_lite.proto import schema

    found: list[list[float]] = []
    true: list[list[float]] = []
    source = LmdbSource("data/ssd_digits/test_lmdb")
    with Net("prototxt/ssd_digits/deploy.prototxt", schema.TEST) as net:
        net.copy_trained_layers_from(weights)
        for image in range(len(source)):
            record = schema.AnnotatedDatum.FromString(source.next())
            pixels = list(record.datum.data)
            values = net.ops.asarray(pixels, dtype=net.ops.dtype).reshape(1, 1, SIZE, SIZE)
            net.blobs["data"].data[...] = (values - 90) / 64
            net.forward()
            rows = net.ops.to_host(net.blobs["detection_out"].data).reshape(-1, 7).tolist()
            found += [[image, *row[1:]] for row in rows if row[1] > 0]
            for group in record.annotation_group:
                boxes = [each.bbox for each in group.annotation]
                true += [
                    [image, group.group_label, box.xmin, box.ymin, box.xmax, box.ymax]
                    for box in boxes
                ]
    source.close()
    return found, true


def overlap(a: list[float], b: list[float]) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def precision_of(found: list[list[float]], true: list[list[float]], label: int) -> float:
    """The 11-point average precision of one label."""
    mine = sorted((row for row in found if row[1] == label), key=lambda row: -row[2])
    objects = [row for row in true if row[1] == label]
    taken: set[int] = set()
    curve: list[tuple[float, float]] = []
    for count, row in enumerate(mine, 1):
        near = [
            (overlap(row[3:], each[2:]), j) for j, each in enumerate(objects) if each[0] == row[0]
        ]
        best, j = max(near, key=lambda pair: (pair[0], -pair[1]), default=(0.0, -1))
        if best >= OVERLAP:
            taken.add(j)
        hits = len(taken)
        curve.append((hits / len(objects), hits / count))
    points = [max([p for r, p in curve if r >= k / 10], default=0.0) for k in range(11)]
    return sum(points) / 11


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", default="2", help="threads of the CPU backend (default 2)")
    parser.add_argument("--folder", type=Path, default=Path("ssd_digits_run"))
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/ssd_digits.md")
    args = parser.parse_args()
    os.environ["CAFFE_LITE_THREADS"] = args.threads  # before the backend loads
    from caffe_lite.backend.describe import processor_name

    out = args.out.resolve()
    args.folder.mkdir(parents=True, exist_ok=True)
    result = train(args.folder)
    found, true = find(result["weights"])
    again = sum(precision_of(found, true, label) for label in CLASSES) / len(CLASSES)
    last = max(result["precision"])
    lines = [
        "# SSD on digits of several sizes",
        "",
        f"`benchmarks/ssd_digits.py`, {date.today()}, {processor_name()}, {args.threads} threads.",
        "",
        f"- training: {result['seconds']:.0f} s, {result['processor']:.0f} s of processor time, on "
        f"{len(os.sched_getaffinity(0))} processors with a load average of {result['load']:.1f}",
        *(
            f"- iteration {iteration}: mean average precision {value:.4f} (DetectionEvaluate)"
            for iteration, value in sorted(result["precision"].items())
        ),
        f"- the deploy net, image by image, computed independently: {again:.4f}",
        f"- difference at iteration {last}: {abs(again - result['precision'][last]):.5f}",
    ]
    out.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
