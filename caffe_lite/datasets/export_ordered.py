"""Export of the ordered digits as the HDF5 files that prototxt/ordered_digits/ reads."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from caffe_lite.data.flow_images import encode_flow
from caffe_lite.datasets.export import Folder, Progress
from caffe_lite.datasets.export_clips import FLOW_SCALE, time_major
from caffe_lite.datasets.ordered_digits import VOCABULARY, OrderedClips, make_ordered_clips
from caffe_lite.datasets.ordered_motions import ACTIVITIES, FRAMES
from caffe_lite.errors import DataError

BATCH_CLIPS = 20  # of prototxt/ordered_digits/activity.prototxt
CLIPS = {"train": 2000, "sentences": 1500, "validation": 500, "test": 1000}

Flow = Callable[[np.ndarray, np.ndarray], np.ndarray]  # two frames (H, W) -> (H, W, 2) in pixels


def write_ordered_digits(
    out: str | os.PathLike[str],
    compute_flow: Flow,
    clips: dict[str, int] | None = None,
    seed: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Write ordered digits under `out`; return its path. For each split, with `clips` of each:

    - `train.txt` lists `train.h5` with `rgb` (rows, 1, 32, 32) and `flow` (rows, 3, 32, 32), images
      uint8 (flow: magnitude, y, x with FLOW_SCALE levels per pixel), and per row `label`, `digit`
      and `clip_markers`, 0 on a clip's first frame. Row t * 20 + n of each batch of 320 rows is
      frame t of its clip n.
    - `train_captions.txt`, a line per clip.

    `labels.txt` and `vocabulary.txt` name activities and words. `compute_flow` is applied to each
    frame and the next.
    """
    counts = CLIPS if clips is None else clips
    for split, count in counts.items():
        if count <= 0 or count % BATCH_CLIPS:
            raise DataError(f"{count} {split} clips are not whole batches of {BATCH_CLIPS}")
    settings = {"dataset": "ordered_digits", "version": 1, "clips": counts, "seed": seed}
    folder = Folder(out, settings, len(counts), progress)
    folder.text("labels.txt", "".join(f"{name}\n" for name in ACTIVITIES))
    folder.text("vocabulary.txt", "".join(f"{word}\n" for word in VOCABULARY))
    for split, count in counts.items():
        made = make_ordered_clips(count, seed, split)
        folder.hdf5(f"{split}.h5", partial(activity_rows, made, compute_flow))
        folder.text(f"{split}.txt", f"{split}.h5\n")
        folder.text(f"{split}_captions.txt", "".join(f"{line}\n" for line in made.captions))
        folder.step(split)
    return folder.path


def flow_images(frames: np.ndarray, compute_flow: Flow) -> np.ndarray:
    """Flow images (n, 16, 32, 32, 3) uint8 from `frames` (n, 17, 32, 32)."""
    return np.stack(
        [
            [
                encode_flow(compute_flow(now, then), FLOW_SCALE)
                for now, then in zip(clip[:-1], clip[1:], strict=True)
            ]
            for clip in frames
        ]
    )


def activity_rows(clips: OrderedClips, compute_flow: Flow) -> dict[str, np.ndarray]:
    """The rows of `clips`: rgb, flow, label, digit and clip_markers."""
    markers = np.ones((len(clips), FRAMES), np.uint8)
    markers[:, 0] = 0
    each = {
        "rgb": clips.frames[:, :FRAMES, None],
        "flow": flow_images(clips.frames, compute_flow).transpose(0, 1, 4, 2, 3),
        "label": np.repeat(clips.labels[:, None], FRAMES, 1).astype(np.uint8),
        "digit": np.repeat(clips.digits[:, None], FRAMES, 1).astype(np.uint8),
        "clip_markers": markers,
    }
    return {name: time_major(values, BATCH_CLIPS) for name, values in each.items()}
