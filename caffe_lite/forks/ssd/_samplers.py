"""batch_sampler: random crops that meet constraints with the objects' boxes, on the host."""

from typing import Any

import numpy as np

from caffe_lite.errors import DataError
from caffe_lite.forks.boxes.overlaps import coverage, iou
from caffe_lite.types import Array, Generator


class Samplers:
    """The crops that several BatchSamplers find."""

    def __init__(self, params: Any) -> None:
        """Raise DataError for a sampler whose ranges are none."""
        self._params = [param for param in params if param.use_original_image]
        for param in self._params:
            _check(param.sampler)

    def draw(self, boxes: Array, rng: Generator) -> Array | None:
        """One of all crops (4,) that the samplers find for objects' boxes (K, 4), or None.

        Crops and boxes are in fractions of the image.
        """
        found = [crop for param in self._params for crop in _find(param, boxes, rng)]
        return found[int(rng.integers(len(found)))] if found else None


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


def _find(param: Any, boxes: Array, rng: Generator) -> list[Array]:
    """The crops of one sampler, at most max_sample."""
    found: list[Array] = []
    for _ in range(param.max_trials):
        if param.HasField("max_sample") and len(found) >= param.max_sample:
            break
        crop = _draw(param.sampler, rng)
        if _satisfies(crop, boxes, param.sample_constraint):
            found.append(crop)
    return found


def _draw(sampler: Any, rng: Generator) -> Array:
    """A random crop; its aspect ratio is cut so that it fits into the image."""
    scale = rng.uniform(sampler.min_scale, sampler.max_scale)
    ratio = rng.uniform(sampler.min_aspect_ratio, sampler.max_aspect_ratio)
    ratio = min(max(ratio, scale**2), 1 / scale**2)
    size = np.minimum([scale * ratio**0.5, scale / ratio**0.5], 1)
    corner = rng.uniform(0, 1 - size)
    return np.concatenate([corner, corner + size]).astype(np.float32)


def _satisfies(crop: Array, boxes: Array, constraint: Any) -> bool:
    """Whether some box meets all of the constraint; without any always."""
    measures = [
        ("jaccard_overlap", lambda: iou(np, crop[None], boxes)[0]),
        ("sample_coverage", lambda: coverage(np, crop[None], boxes)[0]),
        ("object_coverage", lambda: coverage(np, boxes, crop[None])[:, 0]),
    ]
    met = np.ones(len(boxes), bool)
    constrained = False
    for name, measure in measures:
        limits = [f"{end}_{name}" for end in ("min", "max") if constraint.HasField(f"{end}_{name}")]
        if not limits:
            continue
        constrained = True
        values = measure()
        for limit in limits:
            bound = np.float32(getattr(constraint, limit))
            met &= values >= bound if limit.startswith("min") else values <= bound
    return not constrained or bool(met.any())
