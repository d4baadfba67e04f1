"""Activity recognition: single frames and LRCN, each with grey frames, flow, and both fused."""

from pathlib import Path

import numpy as np
from data import Shaken, flow_images
from training import PROTOTXT, train

from caffe_lite.lrcn.activity import VideoClassifier, fuse
from caffe_lite.lrcn.deploy import load_deploy_net

KINDS = {"frame": "Single frame", "lstm": "LRCN"}
FUSIONS = {"1/2 RGB + 1/2 flow": 1 / 2, "1/3 RGB + 2/3 flow": 1 / 3}


def images(clips: Shaken, modality: str) -> np.ndarray:
    """(n, 16, 32, 32, C) uint8: grey frames, or images of the flow."""
    if modality == "rgb":
        return clips.frames[..., None]
    return np.concatenate(
        [flow_images(clips.flow(slice(first, first + 100))) for first in range(0, len(clips), 100)]
    )


def probabilities(kind: str, modality: str, weights: Path, frames: np.ndarray) -> np.ndarray:
    """Class probabilities, averaged over each clip's frames, (n, 10)."""
    net = load_deploy_net(PROTOTXT / f"activity/deploy_{kind}_{modality}.prototxt", weights)
    try:
        classifier = VideoClassifier(net, crops=1, flow=modality == "flow")
        return np.stack([classifier.classify(list(clip)) for clip in frames])
    finally:
        net.close()


def run(
    folder: Path,
    clips: Shaken,
    seed: int,
    share: float,
) -> dict[str, dict[str, float]]:
    """Accuracy on the test clips, in percent, by net and input."""
    shown = {modality: images(clips, modality) for modality in ("rgb", "flow")}
    table: dict[str, dict[str, float]] = {}
    for kind, title in KINDS.items():
        probs = {}
        for modality, frames in shown.items():
            weights = train(f"activity/solver_{kind}_{modality}.prototxt", folder, seed, share)
            probs[modality] = probabilities(kind, modality, weights, frames)
        answers = {"RGB": probs["rgb"], "flow": probs["flow"]}
        answers |= {
            name: fuse(probs["rgb"], probs["flow"], weight) for name, weight in FUSIONS.items()
        }
        table[title] = {
            name: 100 * float((p.argmax(1) == clips.labels).mean()) for name, p in answers.items()
        }
    return table
