"""Optical flow beside OpenCV: errors on scenes of known flow, and times, in one run.

    python benchmarks/lrcn/flow.py [--video FILE] [--threads N] [--results DIR]

OpenCV's DIS (preset "medium") is measured if it is installed. On a video, whose flow is not known,
the error is the mean difference of grey levels between each frame and the next one warped back by
the flow; "distance" is that between OpenCV's flow and the other's, in pixels. Times are medians of
one pair, with the methods in turn.
"""

import argparse
import os
import time
from datetime import date
from pathlib import Path

import numpy as np
import tables
from flow_scenes import SCENES, endpoint_error

from caffe_lite.backend.describe import processor_name
from caffe_lite.errors import CaffeError
from caffe_lite.lrcn.prepare.flow_methods import METHODS, Compute

SEEDS, ROUNDS = 3, 9


def methods() -> dict[str, Compute]:
    """The methods that are available here."""
    found = {}
    for name, method in METHODS.items():
        try:
            found[name] = method.make()
        except CaffeError as error:
            print(f"{name} is left out: {error}")
    return found


def warped_difference(first: np.ndarray, second: np.ndarray, flow: np.ndarray) -> float:
    """The mean absolute difference of grey levels, where the flow stays inside the frame."""
    height, width = first.shape
    y, x = np.mgrid[:height, :width]
    x, y = x + flow[..., 0], y + flow[..., 1]
    inside = (x >= 0) & (x < width - 1) & (y >= 0) & (y < height - 1)
    x, y = x[inside], y[inside]
    left, top = x.astype(int), y.astype(int)
    fx, fy = x - left, y - top
    upper = second[top, left] * (1 - fx) + second[top, left + 1] * fx
    lower = second[top + 1, left] * (1 - fx) + second[top + 1, left + 1] * fx
    return float(np.abs(upper * (1 - fy) + lower * fy - first[inside]).mean())


def milliseconds(computes: dict[str, Compute], pair: tuple[np.ndarray, np.ndarray]) -> dict:
    """The median time of each method for one pair, the slow ones measured less often."""
    seconds: dict[str, list[float]] = {name: [] for name in computes}
    for turn in range(ROUNDS):
        for name, compute in computes.items():
            if turn and seconds[name][0] > 0.5:
                continue
            start = time.perf_counter()
            compute(*pair)
            seconds[name].append(time.perf_counter() - start)
    return {name: 1000 * float(np.median(times)) for name, times in seconds.items()}


def on_scenes(computes: dict[str, Compute]) -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = {METHODS[name].title: {} for name in computes}
    for scene, make in SCENES.items():
        made = [make(np.random.default_rng(seed)) for seed in range(SEEDS)]
        times = milliseconds(computes, made[0][:2])
        for name, compute in computes.items():
            errors = [endpoint_error(compute(first, second), true) for first, second, true in made]
            row = table[METHODS[name].title]
            row[f"{scene}: error"] = float(np.mean(errors))
            row[f"{scene}: ms"] = times[name]
    return table


def on_video(computes: dict[str, Compute], path: Path, pairs: int = 8) -> dict:
    import av

    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    chosen = [int(i) for i in np.linspace(0, len(frames) - 2, pairs)]
    times = milliseconds(computes, (frames[0], frames[1]))
    flows = {name: [f(frames[i], frames[i + 1]) for i in chosen] for name, f in computes.items()}
    table = {}
    for name, found in flows.items():
        differences = [
            warped_difference(frames[i], frames[i + 1], flow)
            for i, flow in zip(chosen, found, strict=True)
        ]
        row = {"difference": float(np.mean(differences)), "ms": times[name]}
        if "opencv" in flows:
            pairs_of = zip(found, flows["opencv"], strict=True)
            row["distance"] = float(np.mean([endpoint_error(*each) for each in pairs_of]))
        table[METHODS[name].title] = row
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--video", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="default 1")
    parser.add_argument("--results", type=Path, metavar="DIR", help="write flow.md and .json there")
    args = parser.parse_args()
    os.environ["CAFFE_LITE_THREADS"] = str(args.threads)
    computes = methods()
    found = {"scenes": on_scenes(computes)}
    found |= {path.name: on_video(computes, path) for path in args.video}
    about = {
        "processor": processor_name(),
        "threads": args.threads,
        "date": str(date.today()),
        "numpy": np.__version__,
    }
    notes = {"scenes": "240x320 pixels; the error is the mean end-point error in pixels."}
    text = "\n".join(
        [
            "# Optical flow\n",
            f"By `python benchmarks/lrcn/flow.py` on {about['processor']}, {about['threads']} "
            f"thread{'s' * (args.threads > 1)}, {about['date']}; medians of one pair.\n",
            *(
                tables.markdown(
                    title, [table], notes.get(title, "Grey-level difference after warping."), 3
                )
                for title, table in found.items()
            ),
        ]
    )
    print(text)
    if args.results:
        tables.write(args.results, "flow", text, {"about": about, "results": found})


if __name__ == "__main__":
    main()
