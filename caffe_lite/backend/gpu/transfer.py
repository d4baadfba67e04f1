"""Input batches to the device while it computes: pinned memory, a copy stream, and a ring."""

import logging
import weakref
from collections import defaultdict
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy

from caffe_lite.backend.gpu.capture import CaptureError
from caffe_lite.backend.host_memory import HostMemory

RING = 3  # batches in flight for arrays of one size

log = logging.getLogger("caffe_lite.backend")


class PinnedMemory(HostMemory):
    """Host arrays that the device copies from by itself, without a copy on the host before."""

    def __init__(self, cupy: Any, use_device: Callable[[], None]) -> None:
        """`use_device` makes the device the current one of the calling thread."""
        self._cupy = cupy
        self._use_device = use_device
        self._read: dict[int, Any] = {}  # by address: the event behind the last copy from there

    def empty(self, shape: Sequence[int], dtype: Any) -> numpy.ndarray:
        self._use_device()
        count, dtype = prod(shape), numpy.dtype(dtype)
        try:
            memory = self._cupy.cuda.alloc_pinned_memory(max(1, count * dtype.itemsize))
        except (RuntimeError, MemoryError) as error:  # a system may allow little of it
            log.debug("no page-locked memory for %s of %s: %s", shape, dtype, error)
            return super().empty(shape, dtype)
        array = numpy.frombuffer(memory, dtype, count).reshape(shape)
        address = array.ctypes.data
        event = self._cupy.cuda.Event(block=True, disable_timing=True)
        self._read[address] = event
        # CuPy hands freed memory out again at once, a copy from it may still be waiting.
        weakref.finalize(array, _forget, self._read, address, event).atexit = False
        return array

    def wait(self, array: numpy.ndarray) -> None:
        event = self._read.get(array.ctypes.data)
        if event is not None:
            event.synchronize()

    def event_of(self, array: numpy.ndarray) -> Any:
        """The event to record behind a copy from `array`; None for memory that is not pinned."""
        return self._read.get(array.ctypes.data) if array.flags.c_contiguous else None


def _forget(read: dict[int, Any], address: int, event: Any) -> None:
    if not event.done:
        event.synchronize()
    read.pop(address, None)


class _Slot:
    """A device buffer, a host buffer where one is needed, and events that tell when both are free.

    `filled` comes when the device buffer has its content, `emptied` when that has been taken.
    """

    def __init__(self, cupy: Any, nbytes: int, compute: Any) -> None:
        self.device = cupy.empty(nbytes, "uint8")
        self.staged: numpy.ndarray | None = None
        self.filled = cupy.cuda.Event(disable_timing=True)
        self.emptied = cupy.cuda.Event(disable_timing=True)
        # What the memory was used for before may not have run yet.
        self.emptied.record(compute)


class Uploader:
    """Copies host arrays into device arrays without making the host or the device wait.

    The transfer runs on a stream of its own into a buffer of its own; the compute stream then only
    copies from one place of the device's memory to another. Arrays of `memory` are sent from where
    they are, others are copied to pinned memory first.
    """

    def __init__(self, cupy: Any, compute: Any, memory: PinnedMemory) -> None:
        self._cupy = cupy
        self._compute = compute
        self._memory = memory
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._rings: dict[int, list[_Slot]] = defaultdict(list)

    def sends(self, host: numpy.ndarray) -> bool:
        """Whether `host` is sent from where it is."""
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
        if event is not None:  # else the driver has made its copy already
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
