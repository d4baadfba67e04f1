"""A checkpoint's tensors in a net's blobs."""

from collections.abc import Mapping

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import ModelError
from caffe_lite.importer.checkpoint import Checkpoint
from caffe_lite.importer.expressions import Expression, StepError
from caffe_lite.importer.units import units_of
from caffe_lite.nets.net import Net
from caffe_lite.weights.named import blob_name


def blobs_of(net: Net) -> dict[str, Blob]:
    """All learned blobs by name, without those that an earlier layer shares."""
    wanted = {name for unit in units_of(net) for name in unit.shapes}
    return {
        name: blob
        for layer in net.layers
        for i, blob in enumerate(layer.blobs)
        if (name := blob_name(layer.name, i)) in wanted
    }


def load_blobs(net: Net, entries: Mapping[str, Expression], checkpoint: Checkpoint) -> None:
    """Set all learned blobs of `net`; ModelError, before any is set, for one that does not fit."""
    blobs = blobs_of(net)
    for name, blob in blobs.items():
        if name not in entries:
            raise ModelError(f'the map has no line for blob "{name}"')
        entry = entries[name]
        shapes = {each: checkpoint.tensors[each].shape for each in entry.tensors}
        try:
            zero = np.zeros((), np.float32)
            entry.evaluate({k: np.broadcast_to(zero, s) for k, s in shapes.items()}, blob.shape)
        except StepError as error:
            raise ModelError(f'blob "{name}" = {entry}: {error}') from None
    for name, blob in blobs.items():
        entry = entries[name]
        tensors = {each: checkpoint.tensors[each].array() for each in entry.tensors}
        values = entry.evaluate(tensors, blob.shape)
        blob.load(np.ascontiguousarray(values, blob.ops.dtype))
