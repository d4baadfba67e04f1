"""A training iteration recorded once on the device and replayed with one call."""

import logging
from collections.abc import Callable
from typing import Any

from caffe_lite.errors import BackendError
from caffe_lite.nets.net import Net
from caffe_lite.types import Array

WARM_UP = 2  # iterations that run layer by layer first, to compile kernels and grow workspaces

log = logging.getLogger("caffe_lite.solver")


class RecordedIteration:
    """Forward, backward and update of a net whose shapes stay the same, as one recording.

    Layers that read data or run on the host go first, one by one; all that follows them is
    recorded, where the device can (`ops.capture`), and replayed until a shape or a setting of the
    update changes. An iteration that cannot be recorded (a backward pass on the host, hooks, a
    batch of several parts) runs layer by layer from then on; the debug log says once why.
    """

    def __init__(
        self, net: Net, update: Callable[[], None], constants: Callable[[], list[Any]]
    ) -> None:
        self._net, self._update, self._constants = net, update, constants
        self._capture = net.ops.capture if net.ops.can_capture else None
        self._start = 1 + max(
            (
                i
                for i, layer in enumerate(net.layers)
                if layer.is_data or layer.host_side or layer.reshape_every_forward
            ),
            default=-1,
        )
        self._layout: list[Any] = []
        self._warm = 0
        self._recording: Any = None
        self._recorded_memory: list[tuple[int, int]] = []
        self._loss: Array | None = None
        if self._capture is not None and self._obstacle():
            self._give_up(self._obstacle())

    def _obstacle(self) -> str:
        net = self._net
        for layer, needed in zip(net.layers, net.layer_need_backward, strict=True):
            if needed and layer.host_side:
                return f'layer "{layer.name}" ({layer.type}) runs backward on the host'
        if net.before_forward or net.after_forward or net.before_backward or net.after_backward:
            return "the net has hooks"
        return ""

    def _give_up(self, why: str) -> None:
        log.debug("iterations run layer by layer: %s", why)
        self._capture = None

    def loss_after_run(self) -> Array | None:
        """Run one iteration from the recording and return its loss, on the device.

        Returns None, having done nothing, if there is no recording (yet): the caller then runs the
        iteration layer by layer.
        """
        if self._capture is None:
            return None
        layout = self._find_layout()
        moved = self._recording is not None and self._memory() != self._recorded_memory
        if layout != self._layout or moved:
            self._layout, self._warm, self._recording = layout, 0, None
        self._warm += 1
        if self._warm <= WARM_UP:
            return None
        obstacle = self._obstacle()
        if obstacle:
            self._give_up(obstacle)
            return None
        self._net.forward(0, self._start - 1)
        if self._find_layout() != layout:
            return self._run_the_rest()
        if self._recording is None:
            try:
                self._recording = self._capture(self._device_part)
                self._recorded_memory = self._memory()
            except BackendError as error:
                self._give_up(str(error))
                return self._run_the_rest()
        self._recording.replay()
        return self._loss

    def _find_layout(self) -> list[Any]:
        """What a recording is made for: settings and shapes that must not change.

        The count of reshapes is part of it, because a layer that reshapes may take new memory.
        """
        shapes = [blob.shape for blob in self._net.blob_list]
        return [self._net.reshapes, self._constants(), *shapes]

    def _memory(self) -> list[tuple[int, int]]:
        """The allocations of the blobs: they change when a blob grows or shares other memory."""
        return [blob.memory for blob in (*self._net.blob_list, *self._net.learnable_params)]

    def _run_the_rest(self) -> Array | None:
        self._device_part()
        return self._loss

    def _device_part(self) -> None:
        net = self._net
        net.clear_param_diffs()
        net.forward(self._start)
        self._loss = net.loss()
        net.backward()
        self._update()
