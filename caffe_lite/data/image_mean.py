"""The mean of a database's images, computed and written as Caffe's compute_image_mean does.

Sums are in float32 and in the order of the records, so that the file is Caffe's byte for byte.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from caffe_lite.data.datum import decode
from caffe_lite.data.source import Source
from caffe_lite.errors import DataError
from caffe_lite.proto import binary, schema


def mean_of(source: Source, progress: Callable[[int], None] | None = None) -> np.ndarray:
    """The mean image (C, H, W) float32 of all records; `progress` gets the count after each.

    Raises DataError, with the record's key, for an image of another size than the first's.
    """
    total: np.ndarray | None = None
    count = len(source)
    for number in range(1, count + 1):
        image, _ = decode(source.next(), name=source.place)
        if total is None:
            total = np.zeros(image.shape, np.float32)
        if image.shape != total.shape:
            raise DataError(
                f"{source.place}: the image has shape {image.shape} (channels, height, width), the "
                f"first {total.shape}; resize them all with convert_imageset --resize-height, "
                "--resize-width"
            )
        total += image
        if progress is not None:
            progress(number)
    if total is None:
        raise DataError(f"{source.path}: the database is empty; there is no mean")
    return total / np.float32(count)


def write_mean(path: str | os.PathLike[str], mean: np.ndarray) -> None:
    """Write a mean image (C, H, W) as a BlobProto, whole or not at all."""
    channels, height, width = mean.shape
    blob = schema.BlobProto(num=1, channels=channels, height=height, width=width)
    blob.data.extend(mean.ravel().tolist())
    binary.write(path, blob)


def channel_means(mean: np.ndarray) -> list[float]:
    """The mean of each channel of a mean image (C, H, W), summed as Caffe does in float32."""
    return [float(np.add.accumulate(each.ravel())[-1] / np.float32(each.size)) for each in mean]
