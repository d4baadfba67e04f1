"""The learned filters of a convolution, from the newest snapshot of a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.board.live_run import LiveRun
from caffe_lite.errors import CaffeError
from caffe_lite.weights import read_weights

MOST = 64  # filters, and for filters that do not have three channels, channels of each


def filters(run: LiveRun, layer: str) -> dict[str, Any] | None:
    """Filters (K, C, H, W) of the layer's first blob with K and C at most 64; None if none.

    `snapshot` is the file they are from. Values are rounded to four digits.
    """
    path = newest_weights(run)
    if path is None:
        return None
    stored = read_weights(path).stored.get(layer)
    first = stored[0] if stored else None
    if first is None or len(first.shape) != 4 or max(first.shape[2:]) == 1:
        return None
    values = np.asarray(first.array(), np.float32)[:MOST, :MOST]
    rounded = [float(f"{v:.4g}") for v in np.nan_to_num(values).ravel().tolist()]
    return {"snapshot": path.name, "shape": list(values.shape), "values": rounded}


def newest_weights(run: LiveRun) -> Path | None:
    """The weights of the newest snapshot that is there and whole; None if there is none."""
    for event in reversed(run.snapshots):
        path = _found(run, event["weights"])
        if path is None:
            continue
        try:
            read_weights(path)
        except CaffeError:  # being written, or damaged
            continue
        return path
    return None


def _found(run: LiveRun, weights: str) -> Path | None:
    """A snapshot's weights: paths are relative to where the training was started."""
    folders = (Path(), run.path.parent, Path(os.path.dirname(run.about.get("solver", ""))))
    for folder in folders:
        if (path := folder / weights).is_file():
            return path
    return None
