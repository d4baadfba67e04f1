"""Copying input batches while the device computes: pinned memory, a copy stream, a ring."""

import logging
import weakref
from collections import defaultdict
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy

from caffe_lite.backend.gpu.capture import CaptureError
from caffe_lite.backend.host_memory import HostMemory

RING = 3  # buffers for arrays of one size

log = logging.getLogger("caffe_lite.backend")


class PinnedMemory(HostMemory):
    """Page-locked host arrays, which the device reads directly and asynchronously."""

    def __init__(self, cupy: Any, use_device: Callable[[], None]) -> None:
        """`use_device` makes the device the current one of the calling thread."""
        self._cupy = cupy
        self._use_device = use_device
        self._read: dict[int, Any] = {}  # address: event after the last copy from there

    def empty(self, shape: Sequence[int], dtype: Any) -> numpy.ndarray:
        self._use_device()
        count, dtype = prod(shape), numpy.dtype(dtype)
        try:
            memory = self._cupy.cuda.alloc_pinned_memory(max(1, count * dtype.itemsize))
        except (RuntimeError, MemoryError) as error:  # the system may limit it
            log.debug("no page-locked memory for %s of %s: %s", shape, dtype, error)
            return super().empty(shape, dtype)
        array = numpy.frombuffer(memory, dtype, count).reshape(shape)
        address = array.ctypes.data
        event = self._cupy.cuda.Event(block=True, disable_timing=True)
        self._read[address] = event
        # CuPy reuses freed memory immediately, but a copy from it may still be pending.
        weakref.finalize(array, _forget, self._read, address, event).atexit = False
        return array

    def wait(self, array: numpy.ndarray) -> None:
        event = self._read.get(array.ctypes.data)
        if event is not None:
            event.synchronize()

    def event_of(self, array: numpy.ndarray) -> Any:
        """The event to record after a copy from `array`; None for memory that is not pinned."""
        return self._read.get(array.ctypes.data) if array.flags.c_contiguous else None


def _forget(read: dict[int, Any], address: int, event: Any) -> None:
    if not event.done:
        event.synchronize()
    read.pop(address, None)


class _Slot:
    """A device buffer, a host buffer if needed, and the events that order their use.

    `filled` is recorded when the device buffer has been written, `emptied` when it has been read.
    """

    def __init__(self, cupy: Any, nbytes: int, compute: Any) -> None:
        self.device = cupy.empty(nbytes, "uint8")
        self.staged: numpy.ndarray | None = None
        self.filled = cupy.cuda.Event(disable_timing=True)
        self.emptied = cupy.cuda.Event(disable_timing=True)
        # Earlier work on this memory may still be pending.
        self.emptied.record(compute)


class Uploader:
    """Copies host arrays into device arrays without blocking the host or the device.

    The transfer runs on a separate stream into a separate buffer, from which the compute stream
    copies on the device. Arrays from `memory` are sent in place; others are first copied to pinned
    memory.
    """

    def __init__(self, cupy: Any, compute: Any, memory: PinnedMemory) -> None:
        self._cupy = cupy
        self._compute = compute
        self._memory = memory
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._rings: dict[int, list[_Slot]] = defaultdict(list)

    def sends(self, host: numpy.ndarray) -> bool:
        """Whether `host` is sent in place, without a copy to pinned memory."""
        return self._memory.event_of(host) is not None

    def copy(self, host: Any, out: Any) -> None:
        """out = host, cast to out's dtype; see `GpuArrays.copy_to_device`."""
        if self._compute.is_capturing():
            raise CaptureError("an input is copied from the host")
        host = numpy.asarray(host)
        if host.size != out.size:
            raise ValueError(f"cannot copy {host.shape} into {out.shape}")
        if out.size == 0:
            return
        slot = self._next(out.nbytes)
        event = self._memory.event_of(host) if host.dtype == out.dtype else None
        if event is None:
            host = self._stage(slot, host, out.dtype)
            event = self._memory.event_of(host)
        self._stream.wait_event(slot.emptied)
        slot.device.set(host.reshape(-1).view("uint8"), stream=self._stream)
        slot.filled.record(self._stream)
        if event is not None:  # without an event the copy is synchronous
            event.record(self._stream)
        self._compute.wait_event(slot.filled)
        out[...] = slot.device.view(out.dtype).reshape(out.shape)
        slot.emptied.record(self._compute)

    def _stage(self, slot: _Slot, host: numpy.ndarray, dtype: numpy.dtype) -> numpy.ndarray:
        if slot.staged is None:
            slot.staged = self._memory.empty((slot.device.size,), "uint8")
        self._memory.wait(slot.staged)
        staged = slot.staged.view(dtype)
        numpy.copyto(staged.reshape(host.shape), host, casting="same_kind")
        return staged

    def _next(self, nbytes: int) -> _Slot:
        ring = self._rings[nbytes]
        ring.append(ring.pop(0) if len(ring) == RING else _Slot(self._cupy, nbytes, self._compute))
        return ring[-1]
