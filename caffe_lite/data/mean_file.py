"""Mean images (`mean_file`, *.binaryproto): one BlobProto holding (1, C, H, W) or (C, H, W).

A mean clip is (1, C, L, H, W).
"""

import os
from math import prod

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.proto import schema
from caffe_lite.proto.files import read_input
from caffe_lite.proto.foreign import foreign


def read_mean(path: str | os.PathLike[str]) -> np.ndarray:
    """The mean image in the file, (C, H, W) float32, or the mean clip, (C, L, H, W)."""
    name = os.fspath(path)
    data = read_input(path, lambda reason: DataError(f"mean_file {name}: {reason}"))
    with foreign(lambda _: DataError(f"mean_file {name}: not a BlobProto, or cut short")):
        blob = schema.BlobProto.FromString(data)
    values = np.array(blob.double_data if len(blob.double_data) else blob.data, np.float32)
    legacy = (blob.num, blob.channels, blob.height, blob.width)
    shape = tuple(blob.shape.dim) if blob.HasField("shape") else legacy
    axes = 4 if len(shape) == 5 else 3
    if len(shape) == axes + 1 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) != axes or min(shape) < 1 or values.size != prod(shape):
        raise DataError(
            f"mean_file {name}: expected one image (1, channels, height, width), "
            f"got shape {shape} with {values.size} values"
        )
    return values.reshape(shape)
