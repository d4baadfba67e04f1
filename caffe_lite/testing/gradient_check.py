"""Check backward passes against finite differences.

The objective is sum_j w_j . (top_j - its value at the start), with random w_j. Small blobs are
checked element by element, large ones along random directions. Each derivative needs evaluations at
+-h and +-h/2. Combined, the two central differences are exact to fourth order; compared, they show
a kink, because on a smooth function they agree up to h^2 and the second differences up to h^3.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from caffe_lite.backend import Ops
from caffe_lite.blob import Blob
from caffe_lite.errors import CaffeError
from caffe_lite.layers.base import Layer
from caffe_lite.nets.backward_plan import takes_gradient
from caffe_lite.nets.placed_layer import write_loss_weights
from caffe_lite.testing.harness import make_layer
from caffe_lite.types import Array, ArrayLike, Blobs, Flags

STEPS = (1e-3, 6e-5)  # the second is tried if the first meets a kink or too much curvature
TOLERANCE = 1e-6
KINK_TOLERANCE = 1e-5
SMALL_COUNT = 200  # a blob of at most this many elements is checked element by element
DIRECTIONS = 6
ROUNDING = 32 * float(np.finfo(np.float64).eps)  # of a top, relative to its size


class GradientError(CaffeError):
    """A backward pass that disagrees with finite differences, or breaks the rules of diffs."""


class KinkError(GradientError):
    """The function is not smooth at the point checked: move the inputs away from the kink."""


@dataclass(frozen=True)
class GradientResult:
    """The largest disagreement found in one blob.

    `error` is |analytic - numeric| / scale. The scale is the largest of |analytic|, |numeric|, the
    root mean square of the blob's gradient, and what rounding can hide. `place` is the index of the
    element, or the number of the direction.
    """

    blob: str
    error: float
    place: str
    analytic: float
    numeric: float


def check_layer(
    prototxt: str,
    bottoms: Sequence[ArrayLike] = (),
    *,
    phase: str = "TRAIN",
    propagate_down: Flags | None = None,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    tops: int | None = None,
    in_place: bool = False,
    ops: Ops | None = None,
    prepare: Callable[[Layer], None] | None = None,
) -> list[GradientResult]:
    """Check every gradient of the layer that `prototxt` describes; see `make_layer`.

    `prepare(layer)` may set learned blobs before the check. Raises GradientError, naming the blob,
    the place and both numbers, if an error exceeds `tolerance`; KinkError at a point where the
    layer is not smooth.
    """
    run = make_layer(
        prototxt, bottoms, ops=ops, phase=phase, seed=seed, tops=tops, in_place=in_place
    )
    if prepare is not None:
        prepare(run.layer)
    results = check_gradients(run.layer, run.bottom, run.top, propagate_down, seed=seed)
    for result in results:
        if not result.error <= tolerance:
            raise GradientError(
                str(
                    run.layer.fail(
                        f"gradient of {result.blob} at {result.place}: backward gives "
                        f"{result.analytic:.8g}, finite differences {result.numeric:.8g} (error "
                        f"{result.error:.1e}, allowed {tolerance:.0e})"
                    )
                )
            )
    return results


def check_gradients(
    layer: Layer,
    bottom: Blobs,
    top: Blobs,
    propagate_down: Flags | None = None,
    *,
    seed: int = 0,
) -> list[GradientResult]:
    """Compare the backward pass of a layer that is set up with finite differences.

    The point to check is the present data of the bottoms, in float64. The layer's random numbers
    and carried state are restored before every forward pass, so that each computes the same
    function. Data, learned blobs and the loss weights in top diffs are restored at the end, other
    diffs are not.

    Raises KinkError if the function is not smooth there. Raises GradientError if forward does not
    repeat or gives NaN or infinity, and if backward does not overwrite bottom diffs, does not add
    to the diffs of learned blobs, or writes to the diff of a bottom with propagate_down false.
    """
    return _Check(layer, list(bottom), list(top), propagate_down, seed).run()


class _Check:
    def __init__(
        self,
        layer: Layer,
        bottom: list[Blob],
        top: list[Blob],
        propagate_down: Flags | None,
        seed: int,
    ) -> None:
        self.layer, self.bottom, self.top = layer, bottom, top
        self.ops = layer.ops
        if self.ops.dtype != np.float64:
            raise self.error(
                'gradients are checked in float64; build the layer with get_ops(dtype="float64")'
            )
        self.flags = list(
            takes_gradient(layer, len(bottom)) if propagate_down is None else propagate_down
        )
        # Not `seed` alone: weights equal to inputs drawn from it would hide faults.
        self.rng = np.random.default_rng([seed, 0x6AD])
        self.state = layer.get_state()
        self.kept = [(blob, blob.data.copy()) for blob in (*bottom, *layer.blobs)]
        self.base: list[Array] = []
        self.weights: list[Array] = []
        self.rounding = 0.0

    def error(self, text: str) -> GradientError:
        return GradientError(str(self.layer.fail(text)))

    def run(self) -> list[GradientResult]:
        try:
            self.start()
            gradients = self.backward_twice()
            self.check_untouched()
            return [self.compare(name, blob, gradient) for name, blob, gradient in gradients]
        finally:
            self.restore()
            self.layer.set_state(self.state)
            write_loss_weights(self.layer, self.top)

    def start(self) -> None:
        """Record the tops at the point to check, and draw the weights of the objective."""
        self.forward()
        self.base = [blob.data.copy() for blob in self.top]
        for i, values in enumerate(self.base):
            if not np.isfinite(self.ops.to_host(values)).all():
                raise self.error(f"forward gives top[{i}] values that are not finite")
        self.forward()
        for i, (blob, values) in enumerate(zip(self.top, self.base, strict=True)):
            again = self.ops.to_host(blob.data)
            if not np.allclose(again, self.ops.to_host(values), rtol=1e-12, atol=0):
                raise self.error(
                    f"forward does not repeat: top[{i}] differs between two runs on the same "
                    "data; get_state and set_state must cover everything that it depends on"
                )
        for i, values in enumerate(self.base):
            silent = i in self.layer.tops_without_gradient
            weight = np.zeros(values.shape) if silent else self.rng.normal(size=values.shape)
            self.weights.append(self.ops.asarray(weight).reshape(values.shape))
            self.rounding += ROUNDING * float(np.linalg.norm(weight * self.ops.to_host(values)))

    def restore(self) -> None:
        """Restore all data: in-place layers overwrite their bottom, BatchNorm its learned blobs."""
        for blob, values in self.kept:
            blob.data[...] = values

    def forward(self, moved: tuple[Blob, Array] | None = None) -> None:
        """Run forward from the same state, with an array added to one blob's data."""
        self.restore()
        if moved is not None:
            blob, step = moved
            data = blob.data
            data += step
        self.layer.set_state(self.state)
        if self.layer.reshape_every_forward:
            self.layer.reshape(self.bottom, self.top)
        with self.ops.quiet():
            self.layer.forward(self.bottom, self.top)

    def objective(self) -> float:
        """The objective, 0 at the start; differences keep the rounding of large tops out of it."""
        return sum(
            float(self.ops.to_host((w * (blob.data - start)).sum()))
            for w, blob, start in zip(self.weights, self.top, self.base, strict=True)
        )

    def backward(self, flags: list[bool], mark: float) -> None:
        """Run forward and backward with bottom diffs set to `mark` before."""
        self.forward()
        for blob in self.bottom:
            if not self.shares_diff(blob):
                blob.diff[...] = mark
        for blob, weight in zip(self.top, self.weights, strict=True):
            blob.diff[...] = weight
        with self.ops.quiet():
            self.layer.backward(self.top, flags, self.bottom)

    def shares_diff(self, blob: Blob) -> bool:
        """Whether a top has the same diff: in place, or by sharing memory as Reshape does."""
        return blob.buffer_ids[1] in {other.buffer_ids[1] for other in self.top}

    def backward_twice(self) -> list[tuple[str, Blob, Array]]:
        """Name, blob and gradient of each bottom and learned blob; checks that diffs add up."""
        params = [
            (f"blobs[{i}]", blob)
            for i, blob in enumerate(self.layer.blobs)
            if self.layer.needs_param_diff(i)
        ]
        for _, blob in params:
            blob.diff[...] = 0
        gradients = []
        self.backward(self.flags, np.nan)
        for i, (flag, blob) in enumerate(zip(self.flags, self.bottom, strict=True)):
            if flag:
                gradients.append((f"bottom[{i}]", blob, self.diff_of(blob)))
        gradients += [(name, blob, self.diff_of(blob)) for name, blob in params]
        for name, _, gradient in gradients:
            if not np.isfinite(gradient).all():
                raise self.error(
                    f"backward gives {name} a diff that is not finite; every element of a "
                    "bottom's diff must be overwritten"
                )
        self.backward(self.flags, np.nan)
        for name, blob, gradient in gradients[len(gradients) - len(params) :]:
            if not np.allclose(self.diff_of(blob), 2 * gradient, rtol=1e-9, atol=1e-12):
                raise self.error(
                    f"backward must add to the diff of {name}: run twice, it must "
                    "leave twice the gradient"
                )
        return gradients

    def check_untouched(self) -> None:
        """Check that backward leaves diffs alone whose propagate_down is false."""
        if not any(self.flags):
            return
        mark = 7.25
        self.backward([False] * len(self.flags), mark)
        for i, blob in enumerate(self.bottom):
            if not self.shares_diff(blob) and (self.diff_of(blob) != mark).any():
                raise self.error(
                    f"backward must leave the diff of bottom[{i}] alone when its "
                    "propagate_down is false"
                )

    def diff_of(self, blob: Blob) -> Array:
        """A copy of the diff on the host."""
        host: Array = self.ops.to_host(blob.diff)
        return host.copy()

    def compare(self, name: str, blob: Blob, gradient: Array) -> GradientResult:
        """The largest disagreement of `gradient` with finite differences."""
        typical = float(np.sqrt(np.mean(gradient**2))) if gradient.size else 0.0
        worst = GradientResult(name, 0.0, "-", 0.0, 0.0)
        for place, direction in self.directions(blob):
            analytic = float((gradient * direction).sum())
            numeric, hidden = self.derivative(name, blob, direction, place, typical)
            scale = max(abs(analytic), abs(numeric), typical, hidden / TOLERANCE)
            # Without any scale both are exactly 0.
            error = abs(analytic - numeric) / scale if scale else 0.0
            if not error < worst.error:
                worst = GradientResult(name, error, place, analytic, numeric)
        return worst

    def directions(self, blob: Blob) -> list[tuple[str, Array]]:
        """Unit vectors to differentiate along, each with its place for messages."""
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

    def derivative(
        self,
        name: str,
        blob: Blob,
        direction: Array,
        place: str,
        typical: float,
    ) -> tuple[float, float]:
        """The derivative along a unit vector, and how much of it rounding may hide."""
        unit = self.ops.asarray(direction).reshape(blob.shape)

        def at(offset: float) -> float:
            self.forward((blob, offset * unit))
            return self.objective()

        for h in STEPS:
            far, near = (at(h), at(-h)), (at(h / 2), at(-h / 2))
            coarse, fine = (far[0] - far[1]) / (2 * h), (near[0] - near[1]) / h
            bend = abs(sum(far) - 4 * sum(near)) / h
            numeric, hidden = (4 * fine - coarse) / 3, self.rounding / h
            allowed = KINK_TOLERANCE * max(abs(numeric), typical) + 10 * hidden
            if abs(coarse - fine) <= allowed and bend <= allowed:
                return numeric, hidden
        raise KinkError(
            str(
                self.layer.fail(
                    f"{name} at {place}: the layer is not smooth there (slopes {coarse:.6g} and "
                    f"{fine:.6g} at steps of {h:.0e} and half of it, second differences off by "
                    f"{bend:.2g}); move the inputs away from the kink, or, if the layer rounds to "
                    "float32, let it keep the type of its bottoms"
                )
            )
        )
