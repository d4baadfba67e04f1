"""Probabilities at each frame of a video, from those of its overlapping clips."""

import numpy as np

from caffe_lite.lrcn.activity.classes import fuse
from caffe_lite.lrcn.activity.clips import clip_starts


def per_frame(probs: np.ndarray, count: int, length: int, stride: int) -> np.ndarray:
    """Probabilities (count, K): at each frame the mean over the clips that contain it.

    `probs` (frames of all clips, K) are those of clips of `length` frames that begin every
    `stride`, as `VideoClassifier.frame_probabilities` returns them. A frame that no clip contains
    has the probabilities of the last one before it.
    """
    seen = min(length, count)
    starts = clip_starts(count, length, stride)
    total, clips = np.zeros((count, probs.shape[1])), np.zeros(count, int)
    for clip, start in zip(probs.reshape(len(starts), seen, -1), starts, strict=True):
        total[start : start + seen] += clip
        clips[start : start + seen] += 1
    covered = np.maximum.accumulate(np.where(clips > 0, np.arange(count), 0))
    return total[covered] / clips[covered, None]


def fuse_per_frame(rgb: np.ndarray, flow: np.ndarray, rgb_weight: float) -> np.ndarray:
    """Fused probabilities (n, K) of `rgb` (n, K) and `flow` (m, K), whose last frames coincide.

    Flow begins at the second frame; frames without flow keep the probabilities of `rgb`.
    """
    both = min(len(rgb), len(flow))
    fused = np.array(rgb)
    fused[len(rgb) - both :] = fuse(rgb[len(rgb) - both :], flow[len(flow) - both :], rgb_weight)
    return fused
