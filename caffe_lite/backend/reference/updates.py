"""The solvers' update rules: what happens to a learnable blob once its gradient is known.

Each rule turns the gradient g and the blob's history into a step and subtracts it from the data:

    SGD       h = rate g + momentum h;                        step = h
    Nesterov  h as SGD, from h0;                              step = (1 + momentum) h - momentum h0
    AdaGrad   h += g^2;                                       step = rate g / (sqrt(h) + delta)
    RMSProp   h = rms_decay h + (1 - rms_decay) g^2;          step = rate g / (sqrt(h) + delta)
    AdaDelta  h1 = momentum h1 + (1 - momentum) g^2;
              u = g sqrt((h2 + delta) / (h1 + delta));
              h2 = momentum h2 + (1 - momentum) u^2;          step = rate u
    Adam      m = momentum m + (1 - momentum) g;
              v = momentum2 v + (1 - momentum2) g^2;          step = rate' m / (sqrt(v) + delta),
              rate' = rate sqrt(1 - momentum2^t) / (1 - momentum^t),  t = iteration + 1
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.backend.slots import UpdateSlot


@dataclass(frozen=True)
class Hyper:
    """The rules' parameters, named as in SolverParameter; `iteration` counts from 0."""

    momentum: float = 0.0
    momentum2: float = 0.999
    delta: float = 1e-8
    rms_decay: float = 0.99
    iteration: int = 0


class ReferenceUpdates(OpsBase):
    """Updates of all learnable blobs at once."""

    def update(
        self,
        rule: str,
        slots: Sequence[UpdateSlot],
        rate: float,
        scale: Any = 1.0,
        weight_decay: float = 0.0,
        l1: bool = False,
        **hyper: Any,
    ) -> None:
        """Apply `rule` (a key of `RULES`) to every slot; see `UpdateSlot` for what changes.

        The gradient is scale * diff + weight_decay * decay_mult * (data, or its sign for l1); the
        rate of a slot is rate * lr_mult. scale is a float or a 0-d array. `hyper`: see `Hyper`.
        """
        values = Hyper(**hyper)
        step_of = RULES[rule]
        for slot in slots:
            gradient = slot.diff * scale
            decay = weight_decay * slot.decay_mult
            if decay:
                gradient += decay * (self.xp.sign(slot.data) if l1 else slot.data)
            slot.diff[...] = step_of(self.xp, gradient, slot.history, rate * slot.lr_mult, values)
            slot.data -= slot.diff


def _sgd(xp: Any, g: Any, history: list[Any], rate: float, hyper: Hyper) -> Any:
    (h,) = history
    h[...] = rate * g + hyper.momentum * h
    return h


def _nesterov(xp: Any, g: Any, history: list[Any], rate: float, hyper: Hyper) -> Any:
    (h,) = history
    before = h.copy()
    h[...] = rate * g + hyper.momentum * h
    return (1 + hyper.momentum) * h - hyper.momentum * before


def _adagrad(xp: Any, g: Any, history: list[Any], rate: float, hyper: Hyper) -> Any:
    (h,) = history
    h += g * g
    return rate * (g / (xp.sqrt(h) + hyper.delta))


def _rmsprop(xp: Any, g: Any, history: list[Any], rate: float, hyper: Hyper) -> Any:
    (h,) = history
    h[...] = (1 - hyper.rms_decay) * (g * g) + hyper.rms_decay * h
    return rate * (g / (xp.sqrt(h) + hyper.delta))


def _adadelta(xp: Any, g: Any, history: list[Any], rate: float, hyper: Hyper) -> Any:
    squares, steps = history
    squares[...] = (1 - hyper.momentum) * (g * g) + hyper.momentum * squares
    u = g * xp.sqrt((steps + hyper.delta) / (squares + hyper.delta))
    steps[...] = (1 - hyper.momentum) * (u * u) + hyper.momentum * steps
    return rate * u


def _adam(xp: Any, g: Any, history: list[Any], rate: float, hyper: Hyper) -> Any:
    m, v = history
    m[...] = (1 - hyper.momentum) * g + hyper.momentum * m
    v[...] = (1 - hyper.momentum2) * (g * g) + hyper.momentum2 * v
    return rate * adam_correction(hyper) * (m / (xp.sqrt(v) + hyper.delta))


def adam_correction(hyper: Hyper) -> float:
    """Adam's factor on the rate that makes up for moments that began at zero."""
    t = hyper.iteration + 1
    return sqrt(1 - hyper.momentum2**t) / (1 - hyper.momentum**t)


RULES = {
    "SGD": _sgd,
    "Nesterov": _nesterov,
    "AdaGrad": _adagrad,
    "RMSProp": _rmsprop,
    "AdaDelta": _adadelta,
    "Adam": _adam,
}
