"""Input batches to the device while it computes: pinned memory, a copy stream, and a ring."""

from collections import defaultdict
from typing import Any

import numpy

from caffe_lite.backend.gpu.capture import CaptureError

RING = 3  # batches in flight for arrays of one size


class _Slot:
    """A pinned host buffer, a device buffer, and the events that tell when each is free."""

    def __init__(self, cupy: Any, nbytes: int) -> None:
        self.host = numpy.frombuffer(cupy.cuda.alloc_pinned_memory(nbytes), "uint8", nbytes)
        self.device = cupy.empty(nbytes, "uint8")
        self.filled = cupy.cuda.Event(disable_timing=True)
        self.emptied = cupy.cuda.Event(disable_timing=True)


class Uploader:
    """Copies host arrays into device arrays without making the host or the device wait.

    The transfer runs on a stream of its own into a buffer of its own; the compute stream then only
    copies from one place of the device's memory to another.
    """

    def __init__(self, cupy: Any, compute: Any) -> None:
        self._cupy = cupy
        self._compute = compute
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._rings: dict[int, list[_Slot]] = defaultdict(list)

    def copy(self, host: Any, out: Any) -> None:
        """out = host, cast to out's dtype; `host` is free again when this returns."""
        if self._compute.is_capturing():
            raise CaptureError("an input is copied from the host")
        host = numpy.asarray(host)
        if host.size != out.size:
            raise ValueError(f"cannot copy {host.shape} into {out.shape}")
        if out.size == 0:
            return
        slot = self._next(out.nbytes)
        slot.filled.synchronize()
        staged = slot.host.view(out.dtype)
        numpy.copyto(staged.reshape(host.shape), host, casting="same_kind")
        self._stream.wait_event(slot.emptied)
        arrived = slot.device.view(out.dtype)
        arrived.set(staged, stream=self._stream)
        slot.filled.record(self._stream)
        self._compute.wait_event(slot.filled)
        out[...] = arrived.reshape(out.shape)
        slot.emptied.record(self._compute)

    def _next(self, nbytes: int) -> _Slot:
        ring = self._rings[nbytes]
        ring.append(ring.pop(0) if len(ring) == RING else _Slot(self._cupy, nbytes))
        return ring[-1]
