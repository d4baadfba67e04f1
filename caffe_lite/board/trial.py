"""One image through the net of a run, with the weights of its newest snapshot."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.board.filters import newest_weights
from caffe_lite.board.live_run import LiveRun
from caffe_lite.board.net_view import definition_of
from caffe_lite.errors import ModelError
from caffe_lite.lrcn.image_input import ImageInput
from caffe_lite.nets.net import Net
from caffe_lite.recognition.classifier import best
from caffe_lite.recognition.usable_net import Preprocessing, preprocessing_of, usable_net
from caffe_lite.trust import trusting

TOP = 5
MOST_MAPS = 64
MOST_SIDE = 64  # pixels of a map as the page gets it
MOST_VALUES = 1024  # of a top that is a row
DETECTION = 7  # numbers of a row of DetectionOutput: image, label, score, x1, y1, x2, y2


class Trial:
    """The net, and what it computed for the last image.

    Raises ModelError for a run without a snapshot, or whose net takes no images. Layers that would
    run code of the net's own are refused.
    """

    def __init__(self, run: LiveRun) -> None:
        weights = newest_weights(run)
        if weights is None:
            raise ModelError(
                f'run "{run.name}" has no snapshot yet, so there are no weights to use'
            )
        self.snapshot = weights.name
        phase = "TEST" if run.about.get("test_nets") else "TRAIN"
        definition = definition_of(run, phase)
        with trusting(False):
            self.net = usable_net(definition, get_ops(), str(weights), run.name)
        shape = self.net.blobs[self.net.inputs[0]].shape[1:]
        settings = preprocessing_of(definition) or Preprocessing()
        mean = 0.0 if settings.mean is None else settings.mean
        size = settings.resize or (shape[1], shape[2])
        self._input = ImageInput(shape, size, mean, settings.scale)

    def run(self, image: bytes) -> dict[str, Any]:
        """Run an image file's bytes; returns the outputs. Raises DataError for what is no image."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "image"
            path.write_bytes(image)
            batch = self._input.load([path])
        data = self.net.blobs[self.net.inputs[0]]
        data.reshape(*batch.shape)
        data.load(batch)
        self.net.forward()
        outputs = [_output(name, self.net) for name in self.net.outputs]
        return {"snapshot": self.snapshot, "outputs": outputs}

    def activations(self, layer: str) -> list[dict[str, Any]]:
        """The tops of a layer for the last image: maps (C, H, W), thinned to what a page shows."""
        tops = self.net.top_names.get(layer, [])
        return [_maps(name, self.net.ops.to_host(self.net.blobs[name].data)) for name in tops]


def _output(name: str, net: Net) -> dict[str, Any]:
    values = np.asarray(net.ops.to_host(net.blobs[name].data), float)
    found: dict[str, Any] = {"name": name, "shape": list(values.shape)}
    if values.ndim == 4 and values.shape[:2] == (1, 1) and values.shape[3] == DETECTION:
        rows = values.reshape(-1, DETECTION)
        found["boxes"] = np.round(rows[rows[:, 1] >= 0][:100, 1:], 4).tolist()
    elif values.size and values.size == values.shape[values.ndim > 1]:
        scores = values.reshape(-1)
        found["best"] = [[k, round(float(scores[k]), 4)] for k in best(scores, TOP)]
    return found


def _maps(name: str, values: np.ndarray) -> dict[str, Any]:
    """The first image of a top as (C, H, W); a row of numbers as one map."""
    first = np.asarray(values[0] if values.ndim > 1 else values, np.float32)
    if first.ndim <= 1:
        maps = first.reshape(1, 1, -1)[:, :, :MOST_VALUES]
    else:
        height, width = first.shape[1:3] if first.ndim > 2 else (1, first.shape[1])
        maps = first.reshape(first.shape[0], height, -1)[:MOST_MAPS]
        steps = [-(-side // MOST_SIDE) for side in (height, width)]
        maps = maps[:, :: steps[0], :: steps[1]]
    rounded = [float(f"{v:.4g}") for v in np.nan_to_num(maps).ravel().tolist()]
    return {"name": name, "of": list(values.shape), "shape": list(maps.shape), "values": rounded}
