"""The update of all learned blobs: clipping, scaling, weight decay and the solver's rule."""

from typing import Any

from caffe_lite.backend import UpdateRule, UpdateSlot
from caffe_lite.blob import Blob
from caffe_lite.solvers.local_rates import LocalRates, has_local_rates
from caffe_lite.solvers.weight_limits import WeightLimits, has_weight_limits
from caffe_lite.types import Array, SolverParameter

TINY = 1e-30  # avoids 0/0 when clip_gradients is 0 and all gradients are 0


class Updater:
    """The history of an update rule, and one update of a net's learned blobs.

    `history` lists blobs in the order in which Caffe saves them: one per learned blob, then
    (AdaDelta, Adam) a second one for each. With `skips_frozen_blobs` a blob with lr_mult 0 is
    skipped, and takes no memory for its history, until a snapshot brings a history that is not
    zero. `local_rates` and `limits` are None unless `param` asks for them.
    """

    def __init__(
        self,
        net: Any,
        ops: Any,
        rule: UpdateRule,
        skips_frozen_blobs: bool,
        param: SolverParameter,
    ) -> None:
        self.net, self.ops, self.rule = net, ops, rule
        self.skips_frozen_blobs = skips_frozen_blobs
        self.blobs: list[Blob] = net.learnable_params
        self.history = [Blob(ops, *b.shape) for _ in range(rule.histories) for b in self.blobs]
        self._slots: dict[int, UpdateSlot] = {}
        shapes = [blob.shape for blob in self.blobs]
        self.local_rates = LocalRates(param, ops, shapes) if has_local_rates(param) else None
        self.limits = WeightLimits(param, ops, self.blobs) if has_weight_limits(param) else None

    def apply(
        self,
        rate: float,
        weight_decay: float,
        l1: bool,
        scale: float | Array,
        hyper: dict[str, Any],
    ) -> None:
        """Update every learned blob from its diff times `scale`."""
        slots = {i: self._slot(i) for i in self._active()}
        if self.limits:
            self.limits.keep()
        if self.local_rates:
            self.local_rates.fold(slots, rate, scale, weight_decay, l1, hyper["momentum"])
            scale, weight_decay = 1.0, 0.0
        self.ops.update(self.rule, [*slots.values()], rate, scale, weight_decay, l1, **hyper)
        if self.limits:
            self.limits.limit(slots)

    def set_controls(self, rate: float, scale: float, iteration: int) -> None:
        """Put the numbers that change from update to update where a recorded update reads them."""
        self.ops.set_update_controls(rate, scale, iteration if self.rule.reads_iteration else 0)

    def _active(self) -> list[int]:
        return [i for i in range(len(self.blobs)) if self._needs_history(i, self.history[i])]

    def _needs_history(self, i: int, history: Blob) -> bool:
        return bool(self.net.params_lr[i]) or not self.skips_frozen_blobs or history.has_data

    def _slot(self, i: int) -> UpdateSlot:
        """The arrays of blob `i`; built again when the blob has moved to other memory."""
        blob, slot = self.blobs[i], self._slots.get(i)
        if slot is None or slot.data is not blob.data or slot.diff is not blob.diff:
            history = [each.data for each in self.history[i :: len(self.blobs)]]
            slot = UpdateSlot(
                blob.data,
                blob.diff,
                history,
                self.net.params_lr[i],
                self.net.params_weight_decay[i],
            )
            self._slots[i] = slot
        return slot

    def clipping(self, limit: float) -> tuple[Array, Array]:
        """The L2 norm of all gradients, and the factor that brings it down to `limit`."""
        xp = self.ops.xp
        norm = xp.sqrt(self.ops.sum_squares([b.diff for b in self.blobs if b.has_diff]))
        scale = limit / xp.maximum(norm, max(limit, TINY))
        return norm, xp.where(norm > limit, scale, self.ops.dtype.type(1))

    def history_arrays(self) -> list[Array]:
        """All histories as arrays, zeros for those that have no memory yet."""
        return [blob.data if blob.has_data else self.ops.zeros(blob.shape) for blob in self.history]

    def set_history(self, stored: list[Any]) -> None:
        """Set the histories to those of a solver state, whose number and shapes are known to fit.

        A history that has memory is set even where the stored one is zero.
        """
        for i, (source, blob) in enumerate(zip(stored, self.history, strict=True)):
            if self._needs_history(i % len(self.blobs), blob) or source.array().any():
                source.copy_to(blob)
