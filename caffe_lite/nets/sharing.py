"""Let one net use the learned blobs of another, as a test net uses those of the training net."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from caffe_lite.blob import Blob
from caffe_lite.layers.base import Layer

log = logging.getLogger("caffe_lite.net")


def share_weights(layers: Iterable[Layer], others: Iterable[Layer]) -> bool:
    """Make `layers` use the data of the learned blobs of the layers of the same names in `others`.

    Returns whether anything changed. Raises LayerError if the shapes of two layers differ, and
    then shares nothing.
    """
    sources = {layer.name: layer for layer in others}
    targets = list(layers)
    for name in sources.keys() - {layer.name for layer in targets}:
        log.info("Ignoring source layer %s", name)
    pairs: list[tuple[Blob, Blob]] = []
    for layer in targets:
        if layer.name in sources:
            pairs += _pairs(layer, sources[layer.name])
    separate = [pair for pair in pairs if pair[0].buffer_ids[0] != pair[1].buffer_ids[0]]
    for blob, other in separate:
        blob.share_data(other)
    return bool(separate)


def _pairs(layer: Layer, source: Layer) -> list[tuple[Blob, Blob]]:
    shapes, given = [b.shape for b in layer.blobs], [b.shape for b in source.blobs]
    if shapes != given:
        raise layer.fail(
            f"cannot share weights: its blobs have the shapes {shapes}, those of the other net's "
            f"layer {given}"
        )
    return list(zip(layer.blobs, source.blobs, strict=True))
