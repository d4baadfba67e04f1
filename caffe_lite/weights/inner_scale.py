"""BatchNorm blobs with a learned scale and bias inside, as NVIDIA's and Intel's Caffe store them.

The order is mean, var, weight, scale, bias, in older files scale, bias, mean, var, weight. Vectors
have shape C or 1 x C x 1 x 1. A net has five such blobs itself, or Caffe's BatchNorm of three and a
Scale layer behind it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from caffe_lite.types import Array
from caffe_lite.weights.stored import StoredBlob

_Stored = Mapping[str, list[StoredBlob | None]]


def fit_batch_norms(net: Any, stored: _Stored) -> _Stored:
    """`stored` with the blobs of such layers ordered, shaped and divided as `net` has them."""
    fitted = dict(stored)
    for position, layer in enumerate(net.layers):
        blobs = stored.get(layer.name, [])
        if layer.type != "BatchNorm" or len(blobs) != 5 or any(blob is None for blob in blobs):
            continue
        mean, var, weight, scale, bias = _in_order([blob for blob in blobs if blob is not None])
        statistics: list[StoredBlob | None] = [mean, var, weight]
        if len(layer.blobs) == 5:
            fitted[layer.name] = [*statistics, scale, bias]
            continue
        behind = _scale_behind(net, position)
        if len(layer.blobs) == 3 and behind is not None and not stored.get(behind.name):
            fitted[layer.name], fitted[behind.name] = statistics, [scale, bias]
    return fitted


def _in_order(blobs: list[StoredBlob]) -> list[StoredBlob]:
    """The five blobs as mean, var, weight, scale and bias, all with one axis."""
    if blobs[4].count == 1 < blobs[0].count:
        scale, bias, mean, var, weight = blobs
    else:
        mean, var, weight, scale, bias = blobs
    vectors: list[StoredBlob] = [Flat(blob) for blob in (mean, var, weight, scale, bias)]
    # NVIDIA's statistics are not divided: its weight is 1 for each channel, or unused and 0.
    if weight.count != 1 or (weight is blobs[4] and not weight.array().any()):
        vectors[2] = One()
    return vectors


def _scale_behind(net: Any, position: int) -> Any:
    """The Scale layer with a scale and a bias that takes the layer's top, or None."""
    nodes = net.wiring.nodes
    for layer, node in zip(net.layers[position + 1 :], nodes[position + 1 :], strict=True):
        if nodes[position].top[0] in node.bottom:
            found = layer.type == "Scale" and len(node.bottom) == 1 and len(layer.blobs) == 2
            return layer if found else None
    return None


class Flat(StoredBlob):
    """A stored blob as a vector."""

    def __init__(self, blob: StoredBlob) -> None:
        self._blob, self.shape = blob, (blob.count,)

    def array(self) -> Array:
        return self._blob.array().reshape(self.shape)

    def read_into(self, out: Array) -> None:
        self._blob.read_into(out)


class One(StoredBlob):
    """The number 1."""

    shape = (1,)

    def array(self) -> Array:
        return np.ones(1, np.float32)

    def read_into(self, out: Array) -> None:
        out[...] = 1
