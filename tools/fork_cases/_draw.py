"""What the cases are drawn with: one stream of numbers for each case, in float32."""

import zlib

import numpy as np

from tools.caffe_layer import Case

Cases = dict[str, tuple[str, Case]]  # by name, with the runner of the fork


class Draw:
    """Random arrays that depend on the case's name alone."""

    def __init__(self, name: str) -> None:
        self._rng = np.random.default_rng(zlib.crc32(name.encode()))

    def normal(self, *shape: int, scale: float = 1.0, mean: float = 0.0) -> np.ndarray:
        return (mean + scale * self._rng.normal(size=shape)).astype(np.float32)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        return self._rng.uniform(low, high, shape).astype(np.float32)

    def labels(self, *shape: int, classes: int, ignore: int | None = None) -> np.ndarray:
        """Integers 0 ... classes - 1; with `ignore` every fifth is that number."""
        drawn = self._rng.integers(0, classes, shape).astype(np.float32)
        if ignore is not None:
            drawn.reshape(-1)[::5] = ignore
        return drawn

    def boxes(self, count: int, width: float, height: float, images: int = 1) -> np.ndarray:
        """Rows (image, x1, y1, x2, y2) in pixels, some of which reach out of the image."""
        corner = self._rng.uniform(-0.1, 0.8, (count, 2)) * (width, height)
        size = self._rng.uniform(0.05, 0.6, (count, 2)) * (width, height)
        image = np.sort(self._rng.integers(0, images, (count, 1)), axis=0)
        return np.concatenate([image, corner, corner + size], axis=1).astype(np.float32)
