"""Blobs that hold choices: which pixel was the largest, which class was the best.

Where two values are equal but for rounding, either choice is right, and the layers that take it go
on with other numbers. So a proof compares the values that were chosen, and may give the choices of
one side to the layers of the other.
"""

from dataclasses import dataclass

import numpy as np

from caffe_lite.layers.base import Layer
from caffe_lite.nets.net import Net
from caffe_lite.types import Array


@dataclass(frozen=True)
class Choice:
    """A blob of indices: `blob` names it, `source` the blob whose values compete.

    `taken` says whether other layers take it.
    """

    blob: str
    source: str
    taken: bool
    layer: Layer

    def compared(self, source: Array, ours: Array, theirs: Array) -> tuple[Array, Array]:
        """The values that both sides chose; the indices themselves if some are out of range."""
        if ours.shape == theirs.shape:
            try:
                return self.values(source, ours), self.values(source, theirs)
            except IndexError:
                pass
        return ours, theirs

    def values(self, source: Array, indices: Array) -> Array:
        """The values of `source` at the indices, in the indices' shape."""
        places = indices.astype(np.int64)
        if self.layer.type == "Pooling":
            flat = source.reshape(*source.shape[:2], -1)
            rows = places.reshape(*places.shape[:2], -1)
            return np.take_along_axis(flat, rows, axis=2).reshape(indices.shape)
        param = self.layer.param.argmax_param
        if param.HasField("axis"):
            return np.take_along_axis(source, places, axis=param.axis)
        rows = places.reshape(len(places), -1)
        found = np.take_along_axis(source.reshape(len(source), -1), rows, axis=1)
        return found.reshape(indices.shape)


def choices(net: Net) -> list[Choice]:
    """The choices of a net: masks of poolings, and indices that ArgMax finds."""
    found = []
    names = net.wiring.blob_names
    taken = {
        names[b] for node in net.wiring.nodes for b in node.bottom if node.param.type != "Silence"
    }
    for node, layer in zip(net.wiring.nodes, net.layers, strict=True):
        tops = [names[t] for t in node.top]
        chosen = tops[1:2] if layer.type == "Pooling" else []
        if layer.type == "ArgMax" and not layer.param.argmax_param.out_max_val:
            chosen = tops[:1]
        found += [Choice(top, names[node.bottom[0]], top in taken, layer) for top in chosen]
    return found
