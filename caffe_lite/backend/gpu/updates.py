"""The solvers' update rules on the GPU: one launch for all learnable blobs, or the rule itself."""

from collections.abc import Sequence
from typing import Any

import numpy

from caffe_lite.backend.gpu.base import GpuBase
from caffe_lite.backend.gpu.capture import CaptureError
from caffe_lite.backend.gpu.tables import Tables
from caffe_lite.backend.reference.updates import ReferenceUpdates
from caffe_lite.backend.rules import Hyper, UpdateRule
from caffe_lite.backend.slots import UpdateSlot


class GpuUpdates(GpuBase, ReferenceUpdates):
    """Updates of all learnable blobs at once."""

    tables: Tables
    _controls: Any = None
    _multipliers: dict[Any, Any]
    _written: list[float | None]  # what the host last put there, None for a device's value
    _replaced: set[int]  # places that some graph writes whenever it is replayed

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
        """Apply `rule` to every slot, as the reference implementation does.

        rate, scale and hyper["iteration"] are numbers or 0-d device arrays; scale may be made by
        the same graph. For a captured update, see `set_update_controls`. A rule without a kernel
        runs itself, on the numbers that are on the device.
        """
        if not slots:
            return
        rule.check(slots)
        kernel, values = rule.kernel, Hyper(**hyper)
        self.set_update_controls(rate, scale, values.iteration if rule.reads_iteration else 0)
        if kernel is None:
            own_rate, hyper["iteration"] = self._controls[0].astype(self.dtype), self._controls[2]
            super().update(rule, slots, own_rate, scale, weight_decay, l1, **hyper)
            return
        padding = (None,) * (2 - kernel.histories)
        table = self.tables.of([(s.data, s.diff, *s.history, *padding) for s in slots])
        self.launch.blocks(
            f"update_{kernel.name.lower()}",
            table.blocks,
            *(table.addresses, table.sizes, self._multipliers_of(slots), table.owner, table.piece),
            *(self._controls, weight_decay, l1),
            *(getattr(values, name) for name in kernel.hyper),
        )

    def set_update_controls(self, rate: Any, scale: Any = 1.0, iteration: Any = 0) -> None:
        """Put rate, scale and iteration where the kernels read them.

        A captured update reads them again at each replay: call this before capturing, with the
        values that `update` is then given, and before each replay, with new ones.
        """
        if self._controls is None:
            self._controls = self.xp.zeros(3, "float64")
            self._written, self._replaced = [None] * 3, set()
        for place, value in enumerate((rate, scale, iteration)):
            if isinstance(value, self.xp.ndarray):
                self._controls[place] = value
                self._written[place] = None
                if self.capturing:
                    self._replaced.add(place)
            elif value != self._written[place] or place in self._replaced:
                if self.capturing:
                    raise CaptureError("an update's controls are set while it is captured")
                self._controls[place] = float(value)
                self._written[place] = value

    def _multipliers_of(self, slots: Sequence[UpdateSlot]) -> Any:
        key = tuple((slot.lr_mult, slot.decay_mult) for slot in slots)
        if key not in self._multipliers:
            self._multipliers[key] = self.asarray(numpy.array(key), "float64")
        return self._multipliers[key]
