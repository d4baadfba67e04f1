"""Classifying a video with LRCN's activity nets, RGB and flow, beside clips computed whole.

    python benchmarks/lrcn/classify.py [--frames N] [--rounds N] [--results DIR]

Both nets are LRCN's at full size (as `caffe_lite lrcn net` writes them) with random weights; ten
crops, clips of 16 frames that overlap by half. "each frame once" is what `classify-video` does;
"each clip whole" runs all layers, one by one, for every frame of every clip. Times of the processor
and of the clock, medians of several runs in turn.
"""

import argparse
import time
from datetime import date
from pathlib import Path

import numpy as np
import tables

from caffe_lite.backend import get_ops
from caffe_lite.backend.describe import processor_name
from caffe_lite.backend.processors import thread_count
from caffe_lite.lrcn.activity import VideoClassifier, fuse
from caffe_lite.lrcn.generate import Activity, activity_files
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

KINDS = ("clock, s", "processor, s")


def make_net(modality: str) -> Net:
    definition = activity_files(Activity(modality))["deploy.prototxt"]
    net = Net(text.parse(definition, schema.NetParameter), schema.TEST, get_ops())
    rng = np.random.default_rng(0)
    for blob in net.learnable_params:
        blob.data[...] = rng.normal(0, 0.01, blob.shape)
    return net


def whole_clips(net: Net, flow: bool) -> VideoClassifier:
    """A classifier that shares nothing between clips: frames go into each as pixels."""
    classifier = VideoClassifier(net, flow=flow, mean=128.0)
    classifier.frame_net.name, classifier.frame_net.part = classifier.data, None
    inputs = [i for i, node in enumerate(net.wiring.nodes) if node.param.type == "Input"]
    classifier.frame_net.rest = [(len(inputs), len(net.layers) - 1)]
    return classifier


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=40, metavar="N", help="default 40")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default 3")
    parser.add_argument("--results", type=Path, metavar="DIR", help="write classify.md and .json")
    args = parser.parse_args()
    rng = np.random.default_rng(1)
    videos = rng.integers(0, 256, (2, args.frames, 240, 320, 3), np.uint8)
    nets = [make_net("rgb"), make_net("flow")]
    ways = {
        "each frame once": [
            VideoClassifier(net, flow=flow, mean=128.0) for flow, net in enumerate(nets)
        ],
        "each clip whole": [whole_clips(net, bool(flow)) for flow, net in enumerate(nets)],
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    answers = {}
    for _ in range(args.rounds):
        for name, pair in ways.items():
            clock, processor = time.perf_counter(), time.process_time()
            found = [c.classify(list(video)) for c, video in zip(pair, videos, strict=True)]
            answers[name] = fuse(found[0], found[1], 1 / 3)
            seconds[name].append((time.perf_counter() - clock, time.process_time() - processor))
    difference = float(np.abs(np.subtract(*answers.values())).max())
    table = {
        name: {
            kind: float(np.median(each))
            for kind, each in zip(KINDS, np.transpose(times), strict=True)
        }
        for name, times in seconds.items()
    }
    about = {
        "processor": processor_name(),
        "threads": thread_count(),
        "date": str(date.today()),
        "largest difference of probabilities": difference,
    }
    report = "\n".join(
        [
            "# Classifying a video\n",
            f"By `python benchmarks/lrcn/classify.py` on {about['processor']}, {about['threads']} "
            f"threads, {about['date']}; {args.frames} frames, RGB and flow, medians of "
            f"{args.rounds} runs in turn. Probabilities differ by at most {difference:.0e}.\n",
            tables.markdown("LRCN-fc6, ten crops", [table], "", 1),
        ]
    )
    print(report)
    if args.results:
        tables.write(args.results, "classify", report, {"about": about, "seconds": table})


if __name__ == "__main__":
    main()
