"""Random colours: the changes of distort_param, on the host."""

from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.forks.ssd._colors import from_hsv, to_bytes, to_hsv
from caffe_lite.types import Array, Generator


class Distortion:
    """The changes that a DistortionParameter describes, each with its own probability.

    Brightness comes first, and contrast next or after saturation and hue, by chance; then the
    channels are shuffled. Images (H, W, 3) are B, G, R.
    """

    def __init__(self, param: Any) -> None:
        """Raise DataError for an empty range."""
        for name in ("brightness_delta", "hue_delta", "contrast_lower", "saturation_lower"):
            if getattr(param, name) < 0:
                raise DataError(
                    f"distort_param: {name} must not be negative, got {getattr(param, name):g}"
                )
        for name in ("contrast", "saturation"):
            lower, upper = getattr(param, f"{name}_lower"), getattr(param, f"{name}_upper")
            if lower > upper:
                raise DataError(
                    f"distort_param: {name}_lower must not exceed {name}_upper, got {lower:g} and "
                    f"{upper:g}"
                )
        self._param = param

    def apply(self, image: Array, rng: Generator) -> Array:
        """A changed copy of the image, or the image itself."""
        if image.shape[2] != 3:
            raise DataError(f"distort_param needs images of 3 channels, got {image.shape[2]}")
        late = rng.random() <= 0.5
        steps = [self._brightness, self._saturation, self._hue]
        steps.insert(3 if late else 1, self._contrast)
        for step in [*steps, self._order]:
            image = step(image, rng)
        return image

    def _brightness(self, image: Array, rng: Generator) -> Array:
        if rng.random() >= self._param.brightness_prob:
            return image
        delta = self._param.brightness_delta
        return to_bytes(image + np.float32(rng.uniform(-delta, delta)))

    def _contrast(self, image: Array, rng: Generator) -> Array:
        if rng.random() >= self._param.contrast_prob:
            return image
        factor = rng.uniform(self._param.contrast_lower, self._param.contrast_upper)
        return to_bytes(image * np.float32(factor))

    def _saturation(self, image: Array, rng: Generator) -> Array:
        if rng.random() >= self._param.saturation_prob:
            return image
        hsv = to_hsv(image)
        factor = rng.uniform(self._param.saturation_lower, self._param.saturation_upper)
        hsv[..., 1] = to_bytes(hsv[..., 1] * np.float32(factor))
        return from_hsv(hsv)

    def _hue(self, image: Array, rng: Generator) -> Array:
        if rng.random() >= self._param.hue_prob:
            return image
        hsv = to_hsv(image)
        delta = self._param.hue_delta
        hsv[..., 0] = to_bytes(hsv[..., 0] + np.float32(rng.uniform(-delta, delta)))
        return from_hsv(hsv)

    def _order(self, image: Array, rng: Generator) -> Array:
        if rng.random() >= self._param.random_order_prob:
            return image
        return image[..., rng.permutation(3)]
