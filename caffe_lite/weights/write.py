"""Writing binary weights (.caffemodel): the net's layers, each with its learned blobs."""

import logging
from collections.abc import Iterator
from typing import Any

from caffe_lite.proto import schema
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.proto.files import StrPath
from caffe_lite.weights.caffemodel import LAYER_BLOBS, NET_LAYER
from caffe_lite.weights.checksum import CheckedWriter, FileIdentity
from caffe_lite.weights.encode import BlobWriter, message_parts
from caffe_lite.weights.trailer import write_trailer

log = logging.getLogger("caffe_lite.net")

CAFFE_LIMIT = 2**31 - 1


def write_caffemodel(net: Any, path: StrPath, diff: bool = False) -> FileIdentity:
    """Write `net` as a binary NetParameter: all of it, or on any failure nothing.

    Returns what names the file's contents. A checksum follows the message's own fields.

    As in Caffe, the file holds the net's name and its layers in the order in which they run, splits
    included, each with its phase, loss weights and blobs. A shared blob is written for every layer
    that uses it. With `diff`, gradients are written too.
    """
    with atomic_path(path) as temporary, open(temporary, "wb") as raw:
        file = CheckedWriter(raw)
        for part in _parts(net, diff):
            file.write(part)
        write_trailer(file)
        identity = file.identity()
        if identity.size > CAFFE_LIMIT:
            log.warning(
                "%s is larger than 2 GB, which Caffe cannot read; HDF5 has no such limit "
                "(snapshot_format: HDF5)",
                path,
            )
    return identity


def _parts(net: Any, diff: bool) -> Iterator[bytes | memoryview]:
    yield schema.NetParameter(name=net.name).SerializeToString()
    for layer in net.layers:
        head = layer_message(layer).SerializeToString(deterministic=True)
        blobs = [
            BlobWriter.of(blob.ops, *([blob.data, blob.diff] if diff else [blob.data]))
            for blob in layer.blobs
        ]
        yield from message_parts(NET_LAYER, head, LAYER_BLOBS, blobs)


def layer_message(layer: Any) -> Any:
    """The layer's definition as saved: without blobs, with the phase and loss weights in effect."""
    param = schema.LayerParameter()
    param.CopyFrom(layer.param)
    del param.blobs[:]
    param.phase = layer.phase
    param.loss_weight[:] = layer.given_loss_weights
    return param
