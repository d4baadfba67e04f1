"""Weights copied into a net, by layer name."""

import logging
from collections.abc import Collection
from typing import Any

from caffe_lite.blob import Blob
from caffe_lite.errors import ModelError
from caffe_lite.weights.inner_scale import fit_batch_norms
from caffe_lite.weights.report import CopyReport
from caffe_lite.weights.stored import StoredBlob, Weights

log = logging.getLogger("caffe_lite.net")


def copy_weights(net: Any, weights: Weights, only: Collection[str] | None = None) -> CopyReport:
    """Set the learned blobs of `net` to those of the layers of the same names in `weights`.

    `only` narrows it to some of the net's layers. Raises ModelError, and changes nothing, where a
    layer of the file has another number of blobs or another shape than the net's, and where the
    file is damaged.
    """
    layers = {layer.name: layer for layer in reversed(net.layers)}
    shared = _shared_blobs(net)
    report = CopyReport(ignored={weights.path: []})
    plan: list[tuple[StoredBlob, Blob]] = []
    for name, stored in fit_batch_norms(net, weights.stored).items():
        layer = layers.get(name)
        if layer is None:
            log.info("Ignoring source layer %s", name)
            if stored:
                report.ignored[weights.path].append(name)
        elif only is None or name in only:
            plan += _match(layer, stored, weights, shared)
            if stored:
                report.copied[name] = weights.path
    _copy(plan, weights)
    report.missing = [
        layer.name
        for layer in net.layers
        if layer.blobs
        and layer.name not in report.copied
        and not all(id(blob) in shared for blob in layer.blobs)
        and (only is None or layer.name in only)
    ]
    return report


def _copy(plan: list[tuple[StoredBlob, Blob]], weights: Weights) -> None:
    """Copy all blobs, or none.

    A file is verified while it is read if that can be undone: if no blob has had values yet, as in
    a net that has just been built. Else it is verified before.
    """
    undo = [(blob, blob.initial) for _, blob in plan]
    in_use = any(blob.has_data for _, blob in plan)
    if in_use:
        weights.verify()
    plan = [(source.safe(), blob) for source, blob in plan]
    try:
        for source, blob in plan:
            source.copy_to(blob)
        weights.verify()
    except BaseException:
        if not in_use:
            for blob, initial in undo:
                blob.reset_data(initial)
        raise


def _shared_blobs(net: Any) -> set[int]:
    """Identities of blobs that share the memory of an earlier layer's blob."""
    seen: set[int] = set()
    shared: set[int] = set()
    for layer in net.layers:
        for blob in layer.blobs:
            if blob.buffer_ids[0] in seen:
                shared.add(id(blob))
            seen.add(blob.buffer_ids[0])
    return shared


def _match(
    layer: Any, stored: list[StoredBlob | None], weights: Weights, shared: set[int]
) -> list[tuple[StoredBlob, Blob]]:
    found = stored
    if weights.sparse:
        found = stored + [None] * (len(layer.blobs) - len(stored))
    if len(found) != len(layer.blobs) or any(
        source is None and id(blob) not in shared
        for source, blob in zip(found, layer.blobs, strict=True)
    ):
        count = sum(source is not None for source in stored)
        raise _mismatch(
            layer,
            weights,
            f"has {count} blob{'s' * (count != 1)} there and {len(layer.blobs)} here",
        )
    for i, (source, blob) in enumerate(zip(found, layer.blobs, strict=True)):
        if source is not None and not source.fits(blob.shape):
            raise _mismatch(
                layer,
                weights,
                f"blob {i} is {_shape(source.shape)} there and {_shape(blob.shape)} here",
            )
    return [
        (source, blob)
        for source, blob in zip(found, layer.blobs, strict=True)
        if source is not None
    ]


def _mismatch(layer: Any, weights: Weights, what: str) -> ModelError:
    return ModelError(
        f'{weights.path}: layer "{layer.name}" ({layer.type}) {what}; to learn it '
        "from scratch instead of copying it, rename the layer in the net"
    )


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single number"
