"""Run one layer alone, without a net."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import layer_class
from caffe_lite.proto import schema, text

Array = Any


class LayerRun:
    """A layer with its bottom and top blobs, set up and reshaped; see `make_layer`."""

    def __init__(self, layer: Layer, bottom: list[Blob], top: list[Blob]) -> None:
        self.layer, self.bottom, self.top = layer, bottom, top
        layer.setup(bottom, top)
        specs = layer.param.param
        layer.param_propagate_down = [
            i >= len(specs) or specs[i].lr_mult != 0 for i in range(len(layer.blobs))
        ]
        self.reshape()

    def reshape(self) -> None:
        """Reshape the layer, and put the loss weights into the diffs of loss tops."""
        self.layer.reshape(self.bottom, self.top)
        for blob, weight in zip(self.top, self.layer.loss_weight, strict=True):
            if weight:
                blob.diff[...] = weight

    def forward(self) -> list[Array]:
        """Run forward and return copies of the tops' data as host arrays."""
        if self.layer.reshape_every_forward:
            self.reshape()
        with self.layer.ops.quiet():
            self.layer.forward(self.bottom, self.top)
        return [self.layer.ops.to_host(blob.data).copy() for blob in self.top]

    def backward(
        self, top_diffs: Sequence[Array] | None = None, propagate_down: Sequence[bool] | None = None
    ) -> tuple[list[Array], list[Array]]:
        """Run backward; return copies of the diffs of bottoms and of learned blobs (host arrays).

        Without `top_diffs` the tops keep the diffs they have (a loss top: its loss weight). Without
        `propagate_down` every bottom that can take a gradient gets one. Such a diff is NaN before,
        so that what the layer does not overwrite shows.
        """
        for blob, diff in zip(self.top, top_diffs or (), strict=False):
            blob.diff[...] = self.layer.ops.asarray(diff, dtype=self.layer.ops.dtype)
        if propagate_down is None:
            propagate_down = default_propagate_down(self.layer, len(self.bottom))
        kept = {blob.buffer_ids[1] for blob in self.top}
        for blob, wanted in zip(self.bottom, propagate_down, strict=True):
            if wanted and blob.buffer_ids[1] not in kept:
                blob.diff[...] = float("nan")
        with self.layer.ops.quiet():
            self.layer.backward(self.top, list(propagate_down), self.bottom)
        host = self.layer.ops.to_host
        return (
            [host(blob.diff).copy() for blob in self.bottom],
            [host(blob.diff).copy() for blob in self.layer.blobs],
        )


def default_propagate_down(layer: Layer, count: int) -> list[bool]:
    return [i not in layer.no_gradient for i in range(count)]


def make_layer(
    prototxt: str,
    bottoms: Sequence[Array] = (),
    *,
    ops: Any = None,
    phase: str = "TRAIN",
    seed: int = 0,
    tops: int | None = None,
    in_place: bool = False,
) -> LayerRun:
    """Build the layer that `prototxt` describes, one `layer { }` or its inside, on its own.

    `bottoms` are arrays, copied into bottom blobs. `ops` defaults to the CPU in float64. `tops` is
    the number of top blobs (default: as many as the text names, else the layer's fewest).
    `in_place` makes top[0] the blob bottom[0]. Errors are those the layer raises in a net.
    """
    ops = ops or get_ops(dtype="float64")
    if prototxt.lstrip().startswith("layer"):
        (param,) = text.parse(prototxt, schema.NetParameter).layer
    else:
        param = text.parse(prototxt, schema.LayerParameter)
    param.name = param.name or "layer"
    cls = layer_class(param.type, param)
    bottom = []
    for values in bottoms:
        blob = Blob(ops, *np.shape(values))
        blob.data[...] = ops.asarray(values, dtype=ops.dtype)
        bottom.append(blob)
    count = tops if tops is not None else max(len(param.top), cls.tops[0])
    top = [bottom[0] if in_place and i == 0 else Blob(ops) for i in range(count)]
    layer = cls(param, ops, getattr(schema, phase), seed)
    layer.set_loss_weights(count)
    return LayerRun(layer, bottom, top)
