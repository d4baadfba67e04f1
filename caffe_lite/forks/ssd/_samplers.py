"""batch_sampler: random crops that meet constraints with the objects' boxes, on the host."""

from collections.abc import Callable
from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.forks.boxes.overlaps import coverage, iou
from caffe_lite.types import Array, Generator


class Samplers:
    """The crops that several BatchSamplers find."""

    def __init__(self, params: Any) -> None:
        """Raise DataError for a sampler with an empty range."""
        self._params = [param for param in params if param.use_original_image]
        for param in self._params:
            _check(param.sampler)

    def draw(self, boxes: Array, rng: Generator) -> Array | None:
        """One of all crops (4,) that the samplers find for objects' boxes (K, 4), or None.

        Crops and boxes are in fractions of the image.
        """
        found = np.concatenate(
            [np.empty((0, 4), np.float32), *(_find(param, boxes, rng) for param in self._params)]
        )
        return found[int(rng.integers(len(found)))] if len(found) else None


class Jitter:
    """YOLO's random crop, whose sides are shorter by up to a part `jitter` of the image's.

    One of five crops is the whole image, and one of five moves half as far. With `square` both
    sides are shorter by the same part.
    """

    def __init__(self, jitter: float, square: bool) -> None:
        self._jitter, self._square = jitter, square
        if not 0 <= jitter < 1:
            raise DataError(f"yolo_data_jitter must be at least 0 and below 1, got {jitter:g}")

    def draw(self, boxes: Array, rng: Generator) -> Array | None:
        """The crop (4,) in fractions of the image, None for the whole image."""
        jitter = self._jitter * float(rng.choice([0, 0.5, 1], p=[0.2, 0.2, 0.6]))
        if not jitter:
            return None
        size = rng.uniform(1 - jitter, 1, 1 if self._square else 2) * np.ones(2)
        corner = rng.uniform(0, 1 - size)
        return np.concatenate([corner, corner + size]).astype(np.float32)


def _check(sampler: Any) -> None:
    scales = sampler.min_scale, sampler.max_scale
    if not 0 < scales[0] <= scales[1] <= 1:
        raise DataError(
            f"batch_sampler: needs 0 < min_scale <= max_scale <= 1, got {scales[0]:g} and "
            f"{scales[1]:g}"
        )
    ratios = sampler.min_aspect_ratio, sampler.max_aspect_ratio
    if not 0 < ratios[0] <= ratios[1]:
        raise DataError(
            f"batch_sampler: needs 0 < min_aspect_ratio <= max_aspect_ratio, got {ratios[0]:g} and "
            f"{ratios[1]:g}"
        )


def _find(param: Any, boxes: Array, rng: Generator) -> Array:
    """The crops (K, 4) of one sampler: the first max_sample that meet the constraint."""
    crops = _draw(param.sampler, param.max_trials, rng)
    found = crops[_satisfies(crops, boxes, param.sample_constraint)]
    return found[: param.max_sample] if param.HasField("max_sample") else found


def _draw(sampler: Any, count: int, rng: Generator) -> Array:
    """Random crops (count, 4); their aspect ratios are cut so that they fit into the image."""
    scale = rng.uniform(sampler.min_scale, sampler.max_scale, count)
    ratio = rng.uniform(sampler.min_aspect_ratio, sampler.max_aspect_ratio, count)
    ratio = np.clip(ratio, scale**2, 1 / scale**2)
    size = np.minimum(np.stack([scale * ratio**0.5, scale / ratio**0.5], axis=1), 1)
    corner = rng.uniform(0, 1 - size)
    return np.concatenate([corner, corner + size], axis=1).astype(np.float32)


def _satisfies(crops: Array, boxes: Array, constraint: Any) -> Array:
    """Whether some box meets all of the constraint with a crop (K,); without any always."""
    measures: dict[str, Callable[[], Array]] = {
        "jaccard_overlap": lambda: iou(np, crops, boxes),
        "sample_coverage": lambda: coverage(np, crops, boxes),
        "object_coverage": lambda: coverage(np, boxes, crops).T,
    }
    given = {
        name: [end for end in ("min", "max") if constraint.HasField(f"{end}_{name}")]
        for name in measures
    }
    if not any(given.values()):
        return np.ones(len(crops), bool)
    met = np.ones((len(crops), len(boxes)), bool)
    for name, ends in given.items():
        if ends:
            values: Array = measures[name]()
        for end in ends:
            bound = np.float32(getattr(constraint, f"{end}_{name}"))
            met &= values >= bound if end == "min" else values <= bound
    return np.any(met, axis=1)
