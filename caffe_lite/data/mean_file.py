"""Mean images (`mean_file`, *.binaryproto): one BlobProto holding (1, C, H, W) or (C, H, W)."""

import os

import numpy as np
from google.protobuf.message import DecodeError

from caffe_lite.errors import DataError
from caffe_lite.proto import schema


def read_mean(path: str | os.PathLike[str]) -> np.ndarray:
    """The mean image in the file, (C, H, W) float32."""
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            blob = schema.BlobProto.FromString(file.read())
    except OSError as error:
        raise DataError(f"mean_file {name}: cannot be read: {error.strerror}") from None
    except DecodeError:
        raise DataError(f"mean_file {name}: not a BlobProto, or truncated; make it anew") from None
    values = np.array(blob.double_data if len(blob.double_data) else blob.data, np.float32)
    legacy = (blob.num, blob.channels, blob.height, blob.width)
    shape = tuple(blob.shape.dim) if blob.HasField("shape") else legacy
    if len(shape) == 4 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) != 3 or values.size == 0 or values.size != np.prod(shape, dtype=np.int64):
        raise DataError(
            f"mean_file {name}: one image (1, channels, height, width) is expected, "
            f"got shape {shape} with {values.size} values"
        )
    return values.reshape(shape)
