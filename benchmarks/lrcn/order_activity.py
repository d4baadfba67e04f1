"""Activities of the ordered digits: accuracies of frames, of means over time and of LRCN."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from order_nets import Trainer, open_net, run_clips

from caffe_lite.datasets.export_ordered import BATCH_CLIPS
from caffe_lite.datasets.ordered_motions import FRAMES
from caffe_lite.lrcn.activity import fuse

MODALITIES = ("rgb", "flow")
STAGES = {"frame": "single-frame", "lstm": "lstm"}
FUSIONS = {"1/2 RGB + 1/2 flow": 1 / 2, "1/3 RGB + 2/3 flow": 1 / 3}
INPUTS = ("RGB", "flow", *FUSIONS)
Accuracies = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Split:
    """Clips as the nets see them: images (n, 16, C, 32, 32) uint8, labels and digits (n,)."""

    images: dict[str, np.ndarray]
    labels: np.ndarray
    digits: np.ndarray


def read(folder: Path, split: str) -> Split:
    """A split of the ordered digits that was written to `folder`."""
    with h5py.File(folder / f"{split}.h5") as file:
        images = {modality: _by_clip(file[modality][:]) for modality in MODALITIES}
        labels, digits = (_by_clip(file[name][:])[:, 0].astype(int) for name in ("label", "digit"))
    return Split(images, labels, digits)


def _by_clip(rows: np.ndarray) -> np.ndarray:
    """Rows by time, (n * 16, ...), as clips (n, 16, ...)."""
    batches = rows.reshape(-1, FRAMES, BATCH_CLIPS, *rows.shape[1:])
    return batches.swapaxes(1, 2).reshape(-1, FRAMES, *rows.shape[1:])


def train_all(trainer: Trainer, validation: Split) -> None:
    """Train the digit net, the single-frame nets and LRCN, whose convnets start from theirs."""

    def accuracy(name: str, truth: np.ndarray, weights: Path) -> float:
        stages = stages_of(name)
        found = predict(weights, stages, validation.images[stages[0]])
        return _percent(found.mean(1), truth)

    trainer.train("digit", lambda path: accuracy("digit", validation.digits, path))
    for name in ("frame_rgb", "frame_flow", "lstm_rgb", "lstm_flow"):
        start = [trainer.weights(name.replace("lstm", "frame"))] if "lstm" in name else []
        trainer.train(name, lambda path, n=name: accuracy(n, validation.labels, path), start)


def stages_of(name: str) -> list[str]:
    """The stages of prototxt/ordered_digits/activity.prototxt for a net, its modality first."""
    if name == "digit":
        return ["rgb", "digit"]
    kind, modality = name.split("_")
    return [modality, STAGES[kind]]


def predict(
    weights: Path, stages: list[str], images: np.ndarray, blob: str = "probs"
) -> np.ndarray:
    """A blob of a net, by default probabilities, at each frame of clips: (n, 16, K)."""
    with open_net("activity", weights, stages) as net:
        return run_clips(net, images, blob)


def accuracies(trainer: Trainer, clips: Split) -> Accuracies:
    """Accuracies in percent, by net and input.

    "single frame" is the mean over all frames, each alone. The other rows average the probabilities
    of a clip's frames, as the paper does.
    """
    table: Accuracies = {}
    for kind, title in (("frame", "mean over time"), ("lstm", "LRCN")):
        rgb, flow = (
            predict(
                trainer.weights(f"{kind}_{each}"), stages_of(f"{kind}_{each}"), clips.images[each]
            )
            for each in MODALITIES
        )
        found = {"RGB": rgb, "flow": flow}
        found |= {name: fuse(rgb, flow, weight) for name, weight in FUSIONS.items()}
        if kind == "frame":
            table["single frame"] = {
                name: _percent(probs, clips.labels[:, None]) for name, probs in found.items()
            }
        table[title] = {name: _percent(p.mean(1), clips.labels) for name, p in found.items()}
    return table


def _percent(probs: np.ndarray, truth: np.ndarray) -> float:
    return 100 * float((probs.argmax(-1) == truth).mean())
