"""Check backward passes against finite differences.

The objective is sum_j w_j . top_j with random w_j. Small blobs are checked element by element,
large ones along random directions. Five evaluations per direction (0, +-h/2, +-h) give a
fourth-order estimate of the derivative and show a kink: on a smooth function the two central
differences agree, and the second differences scale with the step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import CaffeError
from caffe_lite.layers.base import Layer
from caffe_lite.testing.harness import default_propagate_down, make_layer

Array = Any

STEP = 1e-3
TOLERANCE = 1e-6
KINK_TOLERANCE = 1e-4
SMALL_COUNT = 200  # elements up to which each is checked
DIRECTIONS = 6


class GradientError(CaffeError):
    """A backward pass that disagrees with finite differences, or breaks the rules of diffs."""


class KinkError(GradientError):
    """The function is not smooth at the point checked: move the inputs away from the kink."""


@dataclass(frozen=True)
class GradientResult:
    """The worst disagreement found in one blob.

    `error` is |analytic - numeric| / scale, where scale is the larger of the two and of the
    gradient's typical size; `place` is the element's index, or the number of the direction.
    """

    blob: str
    error: float
    place: str
    analytic: float
    numeric: float


def check_layer(prototxt: str, bottoms: Sequence[Array] = (), *, phase: str = "TRAIN",
                propagate_down: Sequence[bool] | None = None, tolerance: float = TOLERANCE,
                seed: int = 0, tops: int | None = None, in_place: bool = False, ops: Any = None,
                prepare: Callable[[Layer], None] | None = None) -> list[GradientResult]:
    """Check every gradient of the layer that `prototxt` describes; see `make_layer`.

    `prepare(layer)` may set learned blobs before the check. Raises GradientError naming the blob,
    the place and both numbers, KinkError at a point that is not smooth.
    """
    run = make_layer(prototxt, bottoms, ops=ops, phase=phase, seed=seed, tops=tops,
                     in_place=in_place)
    if prepare is not None:
        prepare(run.layer)
    results = check_gradients(run.layer, run.bottom, run.top, propagate_down, seed=seed)
    for result in results:
        if not result.error <= tolerance:
            raise _error(run.layer, result, tolerance)
    return results


def check_gradients(layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob],
                    propagate_down: Sequence[bool] | None = None, *, seed: int = 0,
                    step: float = STEP) -> list[GradientResult]:
    """Compare a set-up layer's backward with finite differences at the bottoms' present data.

    The layer's random numbers and carried state are put back before every forward, so each sees the
    same function. Data is left as it was found; diffs are not. float64 only.
    """
    check = _Check(layer, list(bottom), list(top), propagate_down, seed, step)
    return check.run()


def _error(layer: Layer, result: GradientResult, tolerance: float) -> GradientError:
    return GradientError(str(layer.fail(
        f"gradient of {result.blob} at {result.place}: backward gives {result.analytic:.8g}, "
        f"finite differences {result.numeric:.8g} (error {result.error:.1e}, allowed "
        f"{tolerance:.0e})")))


class _Check:
    def __init__(self, layer: Layer, bottom: list[Blob], top: list[Blob],
                 propagate_down: Sequence[bool] | None, seed: int, step: float) -> None:
        if layer.ops.dtype != np.float64:
            raise GradientError(str(layer.fail("gradients are checked in float64; build the layer "
                                               'with get_ops(dtype="float64")')))
        self.layer, self.bottom, self.top = layer, bottom, top
        self.ops = layer.ops
        self.flags = list(default_propagate_down(layer, len(bottom))
                          if propagate_down is None else propagate_down)
        self.rng = np.random.default_rng(seed)
        self.step = step
        self.state = layer.get_state()
        self.inputs = [self.ops.to_host(blob.data).copy() for blob in bottom]
        self.weights: list[Array] = []

    def run(self) -> list[GradientResult]:
        self.restore()
        self.forward()
        self.weights = [self.ops.asarray(self.rng.normal(size=blob.shape)) for blob in self.top]
        value = self.objective()
        analytic = self.backward()
        self.restore()
        results = [self.compare(name, blob, gradient, value) for name, blob, gradient in analytic]
        self.restore()
        return results

    def restore(self) -> None:
        """In-place layers write over their bottom, so every forward starts from a copy."""
        for blob, values in zip(self.bottom, self.inputs, strict=True):
            blob.data[...] = self.ops.asarray(values)

    def forward(self) -> None:
        self.layer.set_state(self.state)
        self.layer.forward(self.bottom, self.top)

    def objective(self) -> float:
        return sum(float(self.ops.to_host((w * blob.data).sum()))
                   for w, blob in zip(self.weights, self.top, strict=True))

    def backward(self) -> list[tuple[str, Blob, Array]]:
        in_place = {id(blob) for blob in self.top}
        for flag, blob in zip(self.flags, self.bottom, strict=True):
            if flag and id(blob) not in in_place:
                blob.diff[...] = np.nan  # what backward does not overwrite shows
        for blob in self.layer.blobs:
            blob.diff[...] = 0
        for blob, weight in zip(self.top, self.weights, strict=True):
            blob.diff[...] = weight
        self.layer.backward(self.top, self.flags, self.bottom)
        gradients = []
        for i, (flag, blob) in enumerate(zip(self.flags, self.bottom, strict=True)):
            if flag:
                gradients.append((f"bottom[{i}]", blob, self.ops.to_host(blob.diff).copy()))
        for i, blob in enumerate(self.layer.blobs):
            if self.layer.needs_param_diff(i):
                gradients.append((f"blobs[{i}]", blob, self.ops.to_host(blob.diff).copy()))
        return gradients

    def compare(self, name: str, blob: Blob, gradient: Array, value: float) -> GradientResult:
        if not np.isfinite(gradient).all():
            raise GradientError(str(self.layer.fail(
                f"backward left {name} not finite: bottom diffs must be overwritten whole")))
        typical = float(np.sqrt(np.mean(gradient**2))) if gradient.size else 0.0
        floor = 1e-9 * max(1.0, abs(value)) / TOLERANCE  # below this, rounding rules
        worst = GradientResult(name, 0.0, "-", 0.0, 0.0)
        for place, direction in self.directions(blob):
            analytic = float((gradient * direction).sum())
            numeric = self.derivative(name, blob, direction, place, max(typical, floor))
            scale = max(abs(analytic), abs(numeric), typical, floor)
            error = abs(analytic - numeric) / scale
            if error >= worst.error:
                worst = GradientResult(name, error, place, analytic, numeric)
        return worst

    def directions(self, blob: Blob) -> list[tuple[str, Array]]:
        found = []
        if blob.count <= SMALL_COUNT:
            for index in np.ndindex(*blob.shape):
                unit = np.zeros(blob.shape)
                unit[index] = 1
                found.append((f"[{', '.join(map(str, index))}]", unit))
        else:
            for k in range(DIRECTIONS):
                direction = self.rng.normal(size=blob.shape)
                found.append((f"direction {k}", direction / np.linalg.norm(direction)))
        return found

    def derivative(self, name: str, blob: Blob, direction: Array, place: str,
                   typical: float) -> float:
        """Derivative along `direction`; raises KinkError where the function is not smooth."""
        h = self.step
        origin = self.ops.to_host(blob.data).copy()
        unit = self.ops.asarray(direction)

        def at(offset: float) -> float:
            self.restore()
            blob.data[...] = self.ops.asarray(origin) + offset * unit
            self.forward()
            return self.objective()

        middle, near, far = at(0.0), (at(h / 2), at(-h / 2)), (at(h), at(-h))
        self.restore()
        blob.data[...] = self.ops.asarray(origin)
        coarse = (far[0] - far[1]) / (2 * h)
        fine = (near[0] - near[1]) / h
        bend = abs((far[0] - 2 * middle + far[1]) / h - 4 * (near[0] - 2 * middle + near[1]) / h)
        numeric = (4 * fine - coarse) / 3
        scale = max(abs(numeric), typical)
        if max(abs(coarse - fine), bend) > KINK_TOLERANCE * scale:
            raise KinkError(str(self.layer.fail(
                f"{name} at {place}: the layer is not smooth there (central differences "
                f"{coarse:.6g} and {fine:.6g}); move the inputs away from the kink")))
        return numeric
