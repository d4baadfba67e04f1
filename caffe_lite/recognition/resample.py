"""Images of floats resized as the libraries did that pycaffe used at the time of Caffe 1.0."""

import numpy as np


def resample(image: np.ndarray, height: int, width: int, order: int = 1) -> np.ndarray:
    """Resize an image (H, W, K) to (height, width, K) float32, keeping its value range.

    Interpolates linearly (`order` 1) or takes the nearest pixel (0), without smoothing first:

    - with 1 or 3 channels, as skimage.transform.resize before 0.15 in mode "constant": pixel
      centres are at i + 0.5, and pixels outside have the image's smallest value, which shows at the
      borders of an enlarged image;
    - otherwise as scipy.ndimage.zoom: the centres of the first and the last pixel stay in place.
    """
    aligned = image.shape[2] not in (1, 3)
    low = 0.0 if aligned else float(image.min())
    result = image.astype(np.float64) - low  # so that pixels outside are 0
    for axis, size in enumerate((height, width)):
        result = _along(result, axis, size, aligned, order)
    return (result + low).astype(np.float32)


def _along(values: np.ndarray, axis: int, size: int, aligned: bool, order: int) -> np.ndarray:
    old = values.shape[axis]
    if aligned:
        position = np.arange(size) * ((old - 1) / max(size - 1, 1))
    else:
        position = (np.arange(size) + 0.5) * (old / size) - 0.5
    if order == 0:
        nearest = np.clip(np.floor(position + 0.5).astype(int), 0, old - 1)
        return values.take(nearest, axis)
    first = np.floor(position).astype(int)
    shape = [1, 1, 1]
    shape[axis] = size
    fraction = (position - first).reshape(shape)
    padded = np.pad(values, [(int(a == axis), int(a == axis)) for a in range(3)])
    return padded.take(first + 1, axis) * (1 - fraction) + padded.take(first + 2, axis) * fraction
