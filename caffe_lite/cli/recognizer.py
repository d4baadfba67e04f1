"""The classifiers that the options of `classify-video` describe: RGB, flow, or both fused."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caffe_lite.cli import options
from caffe_lite.cli.caption_options import image_options

if TYPE_CHECKING:
    import numpy as np

    from caffe_lite.lrcn.activity import VideoClassifier
    from caffe_lite.lrcn.activity.feature_files import FeatureFiles

Report = Callable[[int, int], None]  # frames whose features are computed, of how many
RGB_MEAN = (103.939, 116.779, 128.68)  # LRCN's; its red is not ImageNet's 123.68
FLOW_MEAN = 128.0
RGB_WEIGHT = "1/2"


@dataclass(frozen=True)
class Recognized:
    """Probabilities of a video (K,) and at each of its frames (n, K).

    `folders` are those that were read, each with whether it holds flow images.
    """

    probs: np.ndarray
    per_frame: np.ndarray
    folders: Sequence[tuple[str, bool]]


class Recognizer:
    """A classifier, or one for RGB and one for flow, and the class names."""

    def __init__(self, args: argparse.Namespace) -> None:
        from fractions import Fraction

        from caffe_lite.errors import ModelError, UsageError
        from caffe_lite.lrcn.activity import read_class_names

        self.args = args
        self._kept: dict[VideoClassifier, FeatureFiles] = {}
        self.names = read_class_names(args.classes) if args.classes else None
        try:
            self.rgb_weight = float(Fraction(args.rgb_weight or RGB_WEIGHT))
        except (ValueError, ZeroDivisionError):
            self.rgb_weight = -1.0
        if not 0 <= self.rgb_weight <= 1:
            raise UsageError(
                f"--rgb-weight {args.rgb_weight}: expected a number from 0 to 1, as 0.5 or 1/3"
            )
        self.first = _classifier(args, args.net, args.weights, args.frames == "flow", args.mean)
        self.flow: VideoClassifier | None = None
        if args.flow is not None:
            self.flow = _classifier(
                args, args.flow_net or args.net, args.flow_weights, True, args.flow_mean
            )
        if self.names is not None and len(self.names) != self.first.classes:
            raise ModelError(
                f"{args.classes}: {len(self.names)} class names, but the net "
                f"{args.net} has {self.first.classes} classes; give the names of its "
                "classes"
            )

    def recognize(self, folder: str, alone: bool, progress: Report) -> Recognized:
        """Classify the video in `folder`; `alone` if it is the only one."""
        from caffe_lite.lrcn.activity import fuse
        from caffe_lite.lrcn.activity.over_time import fuse_per_frame

        rgb = self._classify(self.first, folder, progress)
        if self.flow is None:
            return rgb
        name = os.path.basename(os.path.normpath(folder))
        flow_folder = os.path.join(self.args.flow, name)
        if alone and not os.path.isdir(flow_folder):
            flow_folder = self.args.flow
        flow = self._classify(self.flow, flow_folder, progress)
        return Recognized(
            fuse(rgb.probs, flow.probs, self.rgb_weight),
            fuse_per_frame(rgb.per_frame, flow.per_frame, self.rgb_weight),
            [*rgb.folders, *flow.folders],
        )

    def _classify(self, classifier: VideoClassifier, folder: str, progress: Report) -> Recognized:
        """Classify the video in a folder; with --features, from the files there."""
        from caffe_lite.lrcn.activity import FolderFrames

        frames = FolderFrames(folder, classifier.images.read)
        files = self._files(classifier)
        if files is None:
            probs = classifier.frame_probabilities(frames, progress)
        else:
            path = files.path(folder)
            features = files.read(path)
            if features is None:
                features = classifier.features(frames, progress)
                files.write(path, features)
            probs = classifier.feature_probabilities(features)
        over_time = classifier.per_frame(probs, len(frames))
        return Recognized(probs.mean(axis=0), over_time, [(folder, classifier.flow)])

    def _files(self, classifier: VideoClassifier) -> FeatureFiles | None:
        from caffe_lite.lrcn.activity.feature_files import FeatureFiles

        if self.args.features is None:
            return None
        if classifier not in self._kept:
            images = classifier.images
            made_by = [
                classifier.frame_net.fingerprint(),
                classifier.crops,
                classifier.flow,
                images.resize,
                images.mean.tolist(),
                images.scale,
            ]
            self._kept[classifier] = FeatureFiles(self.args.features, made_by)
        return self._kept[classifier]

    def ranked(self, probs: np.ndarray) -> list[dict[str, Any]]:
        """Classes with their probabilities, the most probable first."""
        return [
            {
                "class": self.names[label] if self.names else str(label),
                "label": int(label),
                "probability": float(probs[label]),
            }
            for label in (-probs).argsort(kind="stable")
        ]


def _classifier(
    args: argparse.Namespace, net: str, weights: str, flow: bool, mean: str | None
) -> VideoClassifier:
    from caffe_lite.backend import get_ops
    from caffe_lite.lrcn.activity import VideoClassifier, frames_input
    from caffe_lite.lrcn.deploy import load_deploy_net

    loaded = load_deploy_net(net, weights, get_ops(options.device(args.gpu)))
    shape = loaded.blobs[frames_input(loaded)].shape[1:]
    images = image_options(args, shape, mean, FLOW_MEAN if flow else RGB_MEAN, (240, 320))
    optimize = not args.no_optimize
    loaded.optimize(optimize)
    return VideoClassifier(
        loaded, crops=args.crops, flow=flow, stride=args.stride, optimize=optimize, **images
    )
