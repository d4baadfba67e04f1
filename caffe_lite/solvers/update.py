"""The update of all learned blobs: clipping, scaling, weight decay and the solver's rule."""

from typing import Any

from caffe_lite.backend import UpdateSlot
from caffe_lite.blob import Blob

Array = Any

TINY = 1e-30  # what a limit of zero divides by where all gradients are zero


class Updater:
    """The history of an update rule, and one update of a net's learned blobs.

    `history` lists blobs as Caffe saves them: one per learned blob, then (AdaDelta, Adam) a second
    one for each. A blob with lr_mult 0 under a rule whose history stays zero with it
    (`rests`) is passed over, and takes no memory for its history.
    """

    def __init__(self, net: Any, ops: Any, rule: str, histories: int, rests: bool) -> None:
        self.net, self.ops, self.rule, self.rests = net, ops, rule, rests
        self.blobs: list[Blob] = net.learnable_params
        self.history = [Blob(ops, *blob.shape) for _ in range(histories) for blob in self.blobs]
        self._slots: dict[int, UpdateSlot] = {}

    def apply(
        self,
        rate: float,
        weight_decay: float,
        l1: bool,
        scale: float | Array,
        hyper: dict[str, Any],
    ) -> None:
        """Update every learned blob from its diff times `scale`."""
        slots = [self._slot(i) for i in self._active()]
        self.ops.update(self.rule, slots, rate, scale, weight_decay, l1, **hyper)

    def set_controls(self, rate: float, scale: float, hyper: dict[str, Any]) -> None:
        """Put the numbers that change from update to update where a recorded update reads them."""
        self.ops.set_update_controls(rate, scale, hyper.get("iteration", 0))

    def _active(self) -> list[int]:
        rates = self.net.params_lr
        return [
            i for i, rate in enumerate(rates) if rate or not self.rests or self.history[i].has_data
        ]

    def _slot(self, i: int) -> UpdateSlot:
        """The arrays of blob `i`, made again when the blob has come to look at other memory."""
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
        """All histories as arrays, zeros where none was needed yet."""
        return [blob.data if blob.has_data else self.ops.zeros(blob.shape) for blob in self.history]

    def set_history(self, stored: list[Any]) -> None:
        """Take the histories of a solver state; their number and shapes are known to fit."""
        for i, (source, blob) in enumerate(zip(stored, self.history, strict=True)):
            needed = self.net.params_lr[i % len(self.blobs)] or not self.rests or blob.has_data
            if needed or source.array().any():
                source.copy_to(blob)
