"""Updates of learnable blobs: decay, the rule's step, and its subtraction."""

from collections.abc import Sequence
from typing import Any

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.backend.rules import Hyper, UpdateRule
from caffe_lite.backend.slots import UpdateSlot
from caffe_lite.errors import SolverError
from caffe_lite.types import Array


class ReferenceUpdates(OpsBase):
    """Updates of all learnable blobs at once."""

    def update(
        self,
        rule: UpdateRule,
        slots: Sequence[UpdateSlot],
        rate: Any,
        scale: Any = 1.0,
        weight_decay: float = 0.0,
        l1: bool = False,
        **hyper: Any,
    ) -> None:
        """Apply `rule` to every slot; see `UpdateSlot` for what changes.

        The gradient is scale * diff + weight_decay * decay_mult * (data, or its sign for l1); the
        rate of a slot is rate * lr_mult. With the rule's `decoupled_decay` the decay is left out of
        the gradient and its product with the rate is added to the step. scale is a float or a 0-d
        array. `hyper`: see `Hyper`. Raises SolverError for a step of another shape than the blob.
        """
        rule.check(slots)
        values = Hyper(**hyper)
        for slot in slots:
            gradient, own_rate = slot.diff * scale, rate * slot.lr_mult
            decay = weight_decay * slot.decay_mult
            pull = decay * (self.xp.sign(slot.data) if l1 else slot.data) if decay else None
            if pull is not None and not rule.decoupled_decay:
                gradient += pull
            step = rule.step(self.xp, gradient, slot.history, own_rate, values)
            _check_step(rule, step, slot.data)
            slot.diff[...] = step
            if pull is not None and rule.decoupled_decay:
                slot.diff += own_rate * pull
            slot.data -= slot.diff

    def set_update_controls(self, rate: Any, scale: Any = 1.0, iteration: Any = 0) -> None:
        """Set the numbers of the next update, which a captured update reads at each replay.

        The default does nothing: a backend that cannot capture gets them as arguments of `update`.
        """


def _check_step(rule: UpdateRule, step: Any, data: Array) -> None:
    """NumPy would take None for NaN and a single number for all of the blob."""
    shape = getattr(step, "shape", None)
    if shape != data.shape:
        found = type(step).__name__ if shape is None else f"an array of shape {shape}"
        raise SolverError(
            f"{rule.name} returned {found}; it must return the step of each weight, here an array "
            f"of shape {data.shape}"
        )
