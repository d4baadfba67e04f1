"""Conversion between images and Datum messages, the records of LMDB and LevelDB sources."""

from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from caffe_lite.data.images import decode_image
from caffe_lite.errors import DataError
from caffe_lite.proto import schema


def parse(record: bytes, name: str = "datum") -> Any:
    """Parse a serialized Datum; `name` says in a `DataError` which record it was."""
    try:
        return schema.Datum.FromString(record)
    except DecodeError:
        raise DataError(f"{name}: not a Datum message; was it written for another use?") from None


def decode(
    datum: Any,
    force_color: bool = False,
    force_gray: bool = False,
    name: str = "datum",
) -> tuple[np.ndarray, int]:
    """The image (C, H, W), uint8 or float32, and the label of a Datum or of its bytes.

    An encoded datum (the bytes of a JPEG or PNG file) is decoded to B, G, R order, with as many
    channels as the file has, or with 3 or 1 where forced. As in Caffe, forcing does not change raw
    datums. The result may be a read-only view.
    """
    if isinstance(datum, (bytes, memoryview)):
        datum = parse(bytes(datum), name)
    if datum.encoded:
        if force_color and force_gray:
            raise DataError(f"{name}: force_color and force_gray exclude each other; drop one")
        color = True if force_color else False if force_gray else None
        return decode_image(datum.data, color, name).transpose(2, 0, 1), datum.label
    shape = (datum.channels, datum.height, datum.width)
    if min(shape) <= 0:
        raise DataError(f"{name}: channels, height and width must be positive, got {shape}")
    if datum.data:
        pixels = np.frombuffer(datum.data, np.uint8)
    else:
        pixels = np.array(datum.float_data, np.float32)
    if pixels.size != shape[0] * shape[1] * shape[2]:
        raise DataError(f"{name}: a datum of shape {shape} cannot hold {pixels.size} values")
    return pixels.reshape(shape), datum.label


def encode(image: np.ndarray, label: int = 0) -> bytes:
    """Serialize `image` (C, H, W) and its label: uint8 as `data`, other types as `float_data`."""
    channels, height, width = image.shape
    datum = schema.Datum(channels=channels, height=height, width=width, label=label)
    if image.dtype == np.uint8:
        datum.data = image.tobytes()
    else:
        datum.float_data.extend(image.astype(np.float32).ravel().tolist())
    data: bytes = datum.SerializeToString()
    return data
