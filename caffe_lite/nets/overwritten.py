"""Find data that backward needs and that a layer behind overwrites in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from caffe_lite.layers.base import Layer
from caffe_lite.nets.net import Net
from caffe_lite.types import Blobs


@dataclass(frozen=True)
class Overwritten:
    """The backward pass of `reader` needs the data of `blob`, which `writer` has changed by then.

    The gradient of `reader` is then wrong, as it is in Caffe.
    """

    reader: Layer
    writer: Layer
    blob: str

    def __str__(self) -> str:
        return (
            f'layer "{self.reader.name}" ({self.reader.type}) needs the data of "{self.blob}" in '
            f'backward, but layer "{self.writer.name}" ({self.writer.type}) overwrites them in '
            f'place, so the gradient is wrong, as in Caffe; give the top of "{self.writer.name}" '
            "another name"
        )


def overwritten(net: Net) -> list[Overwritten]:
    """The layers that run backward on overwritten data, each with the first layer that spoils it.

    Blobs that share memory, as the tops of Split and Reshape do with their bottoms, are one here.
    """
    writers = _writers(net)
    found = []
    for i, reader in enumerate(net.layers):
        if not net.layer_need_backward[i]:
            continue
        for memory, name, what in _needed(reader, net.bottom_vecs[i], net.top_vecs[i]):
            behind = (net.layers[k] for k in writers.get(memory, ()) if k > i)
            writer = next((w for w in behind if what != "signs" or not w.keeps_signs), None)
            if writer is not None:
                found.append(Overwritten(reader, writer, name))
                break
    return found


def _writers(net: Net) -> dict[int, list[int]]:
    """By memory, the positions of the layers that work in place on it, in order."""
    found: dict[int, list[int]] = {}
    for i, (bottom, top) in enumerate(zip(net.bottom_vecs, net.top_vecs, strict=True)):
        if bottom and top and top[0] is bottom[0]:
            found.setdefault(top[0].buffer_ids[0], []).append(i)
    return found


def _needed(layer: Layer, bottom: Blobs, top: Blobs) -> Iterator[tuple[int, str, str]]:
    """What backward may read: the memory, the blob's name, and whether just signs or values."""
    above, below = ([blob.buffer_ids[0] for blob in side] for side in (top, bottom))
    what = layer.top_data_in_backward(in_place=bool(top and bottom and top[0] is bottom[0]))
    if what:
        for memory, name in zip(above, layer.param.top, strict=False):
            yield memory, name, what
    if set(above).isdisjoint(below):  # else it works in place, or only gives its bottom a new shape
        for memory, name in zip(below, layer.param.bottom, strict=True):
            yield memory, name, "values"
