"""Convert arrays to Caffe's messages and back: BlobProto, BlobProtoVector and Datum."""

from collections.abc import Iterable
from math import prod

import numpy as np
from google.protobuf.message import DecodeError

from caffe_lite.data import datum as records
from caffe_lite.proto import schema
from caffe_lite.pycaffe.errors import ArgumentError
from caffe_lite.types import AnyMessage

_LEGACY = ("num", "channels", "height", "width")


def blobproto_to_array(blob: AnyMessage, return_diff: bool = False) -> np.ndarray:
    """The data of a BlobProto, or its diff, as float64 of the blob's shape.

    The shape is (num, channels, height, width) if one of these is set, otherwise `shape`; with
    neither it is a scalar. Raises ArgumentError if the number of values does not match.
    """
    if return_diff:
        values = blob.diff or blob.double_diff
    else:
        values = blob.data or blob.double_data
    if any(blob.HasField(name) for name in _LEGACY):
        shape = tuple(getattr(blob, name) for name in _LEGACY)
    else:
        shape = tuple(blob.shape.dim)
    if len(values) != prod(shape):
        raise ArgumentError(
            f"a BlobProto of shape {shape} must hold {prod(shape)} values, it has {len(values)}"
        )
    return np.array(values, np.float64).reshape(shape)


def array_to_blobproto(arr: np.ndarray, diff: np.ndarray | None = None) -> AnyMessage:
    """A BlobProto of an array of any shape, and of its `diff` of the same shape if given."""
    if diff is not None and diff.shape != arr.shape:
        raise ArgumentError(f"diff of shape {diff.shape} for data of shape {arr.shape}")
    blob = schema.BlobProto()
    blob.shape.dim.extend(arr.shape)
    blob.data.extend(_floats(arr))
    if diff is not None:
        blob.diff.extend(_floats(diff))
    return blob


def arraylist_to_blobprotovector_str(arraylist: Iterable[np.ndarray]) -> bytes:
    """A serialized BlobProtoVector of the arrays."""
    blobs = [array_to_blobproto(arr) for arr in arraylist]
    return schema.BlobProtoVector(blobs=blobs).SerializeToString()


def blobprotovector_str_to_arraylist(data: bytes) -> list[np.ndarray]:
    """The arrays, float64, of a serialized BlobProtoVector."""
    try:
        vector = schema.BlobProtoVector.FromString(data)
    except DecodeError:
        raise ArgumentError(f"the {len(data)} bytes are not a serialized BlobProtoVector") from None
    return [blobproto_to_array(blob) for blob in vector.blobs]


def array_to_datum(arr: np.ndarray, label: int | None = None) -> AnyMessage:
    """A Datum of an image (channels, height, width), with `label` if given.

    uint8 becomes `data`, one byte per value; any other type becomes `float_data`.
    """
    if arr.ndim != 3:
        raise ArgumentError(
            f"a Datum holds an array (channels, height, width), got shape {arr.shape}"
        )
    channels, height, width = arr.shape
    datum = schema.Datum(channels=channels, height=height, width=width)
    if arr.dtype == np.uint8:
        datum.data = arr.tobytes()
    else:
        datum.float_data.extend(_floats(arr))
    if label is not None:
        datum.label = label
    return datum


def datum_to_array(datum: AnyMessage) -> np.ndarray:
    """The image (channels, height, width) of a Datum: uint8, or float64 from `float_data`.

    An encoded Datum (a JPEG or PNG file) is decoded to channels B, G, R. Raises DataError if the
    values do not match the shape.
    """
    image, _ = records.decode(datum)
    return image.astype(np.uint8 if image.dtype == np.uint8 else np.float64)


def _floats(values: np.ndarray) -> list[float]:
    return values.astype(np.float64).ravel().tolist()
