"""The demo's picture: learning curves, and a clip with the motion predicted after each frame."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caffe_lite.types import Array

if TYPE_CHECKING:
    from caffe_lite.cli.demo import Run
    from caffe_lite.nets.net import Net


def can_draw() -> bool:
    """Whether matplotlib, an optional dependency, is installed."""
    return find_spec("matplotlib") is not None


@dataclass
class Strip:
    """A clip: frames (16, 32, 32), and after each the predicted motion and its probability."""

    frames: Array
    predicted: list[str]
    probability: list[float]
    truth: str


def choose_clip(net: Net) -> Strip:
    """Of one test batch, the clip whose prediction changes most often and ends up right."""
    import numpy as np

    from caffe_lite.datasets.motions import MOTIONS

    net.forward()
    probs = net.ops.to_host(net.blobs["probs"].data)
    labels = net.ops.to_host(net.blobs["clip_label"].data).astype(int)
    frames = net.ops.to_host(net.blobs["data"].data)
    frames = frames.reshape(probs.shape[0], probs.shape[1], *frames.shape[-2:])
    best = probs.argmax(axis=2)
    changes = (best[1:] != best[:-1]).sum(axis=0)
    right = best[-1] == labels
    clip = int(np.argmax(np.where(right, changes, -1)))
    return Strip(
        frames[:, clip],
        [MOTIONS[i] for i in best[:, clip]],
        [float(p) for p in probs[:, clip].max(axis=1)],
        MOTIONS[labels[clip]],
    )


def draw(runs: list[Run], strip: Strip, path: Path) -> None:
    """Write the picture as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    steps = len(strip.frames)
    figure = plt.figure(figsize=(13, 6.6), layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=(1.7, 1))
    curves, clip = halves
    loss, accuracy = curves.subplots(1, 2)
    for run in runs:
        loss.plot(*zip(*run.losses, strict=True), label=run.name)
        accuracy.plot(*zip(*run.clip_accuracies, strict=True), marker="o", label=run.name)
    loss.set(xlabel="iteration", ylabel="training loss", ylim=(0, None))
    accuracy.set(xlabel="iteration", ylabel="accuracy on held-out clips", ylim=(0, 1.02))
    for axes in (loss, accuracy):
        axes.grid(alpha=0.3)
        axes.legend()
    clip.suptitle(f"what the LRCN says after each frame of a clip that {strip.truth}")
    for t, axes in enumerate(clip.subplots(1, steps)):
        axes.imshow(strip.frames[t], cmap="gray_r")
        axes.set(xticks=[], yticks=[])
        right = strip.predicted[t] == strip.truth
        words = "\n".join(strip.predicted[t].split())
        axes.set_xlabel(
            f"{words}\n{strip.probability[t]:.2f}",
            fontsize=7,
            color="tab:green" if right else "tab:red",
        )
    figure.savefig(path, dpi=110)
    plt.close(figure)
