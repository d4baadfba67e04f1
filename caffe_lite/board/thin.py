"""Curves with fewer points that look the same."""

from __future__ import annotations

import numpy as np

from caffe_lite.runs.curves import Curve, Run

Points = tuple[list[int], list[float], list[float]]


def thin(curve: Curve, most: int) -> Points:
    """Iterations, seconds and values of a curve; above `most` points, of each of `most` / 2 equal
    stretches only the smallest and the largest value, so that peaks stay.
    """
    count = len(curve.values)
    if count <= most:
        return list(curve.iterations), list(curve.seconds), list(curve.values)
    kept = _extremes(np.asarray(curve.values, float), most // 2)
    return (
        [curve.iterations[i] for i in kept],
        [curve.seconds[i] for i in kept],
        [curve.values[i] for i in kept],
    )


def _extremes(values: np.ndarray, stretches: int) -> list[int]:
    """Positions of the extremes of each stretch, and of the last value; NaN is passed over."""
    length = -(-len(values) // stretches)
    padded = np.full(length * stretches, np.nan)
    padded[: len(values)] = values
    rows = padded.reshape(stretches, length)
    starts = np.arange(stretches) * length
    lowest = starts + np.where(np.isnan(rows), np.inf, rows).argmin(axis=1)
    highest = starts + np.where(np.isnan(rows), -np.inf, rows).argmax(axis=1)
    kept = {*lowest.tolist(), *highest.tolist(), len(values) - 1}
    return sorted(i for i in kept if i < len(values))


class ThinCache:
    """Thinned curves, computed again only for curves that grew."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], tuple[int, int, Points]] = {}

    def __call__(self, run: Run, most: int) -> dict[str, Points]:
        """Each curve of a run with at most about `most` points."""
        found = {}
        for name, curve in run.curves.items():
            key, now = (id(run), name), (len(curve.values), most)
            kept = self._kept.get(key)
            if kept is None or kept[:2] != now:
                kept = self._kept[key] = (*now, thin(curve, most))
            found[name] = kept[2]
        return found
