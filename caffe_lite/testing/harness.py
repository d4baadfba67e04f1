"""Run a single layer, without a net."""

from collections.abc import Sequence

import numpy as np

from caffe_lite.backend import Ops, get_ops
from caffe_lite.blob import Blob
from caffe_lite.forks.translate import translate_layer
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import layer_class
from caffe_lite.nets.backward_plan import takes_gradient
from caffe_lite.nets.parameters import Parameters
from caffe_lite.nets.placed_layer import PlacedLayer
from caffe_lite.proto import schema, text
from caffe_lite.types import Array, ArrayLike, Flags, LayerParameter

_PHASES = {"TRAIN": schema.TRAIN, "TEST": schema.TEST}


class LayerRun:
    """A layer with its bottom and top blobs, set up as in a net; see `make_layer`."""

    def __init__(self, layer: Layer, bottom: list[Blob], top: list[Blob]) -> None:
        self.layer, self.bottom, self.top = layer, bottom, top
        self._placed = PlacedLayer(layer, bottom, top)
        self._placed.set_up()
        Parameters().add_layer(layer)
        self.reshape()

    def reshape(self) -> None:
        """Reshape the layer, and write the loss weights into the diffs of loss tops."""
        self._placed.reshape()

    def forward(self) -> list[Array]:
        """Run forward, after a reshape if it needs one; return copies of the tops' data (host)."""
        if self._placed.needs_reshape():
            self.reshape()
        with self.layer.ops.quiet():
            self.layer.forward(self.bottom, self.top)
        return [self.layer.ops.to_host(blob.data).copy() for blob in self.top]

    def backward(
        self, top_diffs: Sequence[ArrayLike] | None = None, propagate_down: Flags | None = None
    ) -> tuple[list[Array], list[Array]]:
        """Run backward; return copies of the diffs of bottoms and of learned blobs (host arrays).

        Without `top_diffs` the tops keep their diffs (a loss top its loss weight). Without
        `propagate_down` every bottom that can have a gradient gets one; its diff is NaN before, so
        elements that the layer does not overwrite show.
        """
        for blob, diff in zip(self.top, top_diffs or (), strict=False):
            blob.diff[...] = self.layer.ops.asarray(diff, dtype=self.layer.ops.dtype)
        if propagate_down is None:
            propagate_down = takes_gradient(self.layer, len(self.bottom))
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


def make_layer(
    prototxt: str,
    bottoms: Sequence[ArrayLike] = (),
    *,
    ops: Ops | None = None,
    phase: str = "TRAIN",
    seed: int = 0,
    tops: int | None = None,
    in_place: bool = False,
) -> LayerRun:
    """Build the one layer that `prototxt` describes, as `layer { ... }` or without the braces.

    `bottoms` are arrays of any shape, copied into bottom blobs. `ops` defaults to the CPU in
    float64. `tops` is the number of top blobs (default: as many as the text names, at least the
    fewest that the type has). `in_place` makes top[0] the blob bottom[0]. `phase` is "TRAIN" or
    "TEST". Errors are those that the layer raises in a net.
    """
    ops = ops or get_ops(dtype="float64")
    if prototxt.lstrip().startswith("layer"):
        (layer_param,) = text.parse(prototxt, schema.NetParameter).layer
    else:
        layer_param = text.parse(prototxt, schema.LayerParameter)
    param: LayerParameter = layer_param
    param.name = param.name or "layer"
    translate_layer(param)
    cls = layer_class(param.type, param)
    bottom = []
    for values in bottoms:
        blob = Blob(ops, *np.shape(values))
        blob.data[...] = ops.asarray(values, dtype=ops.dtype)
        bottom.append(blob)
    count = tops if tops is not None else max(len(param.top), cls.tops[0])
    top = [bottom[0] if in_place and i == 0 else Blob(ops) for i in range(count)]
    layer = cls(param, ops, _PHASES[phase], seed)
    return LayerRun(layer, bottom, top)
