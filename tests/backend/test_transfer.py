"""Copies to a device whose streams run as late as possible: only when something waits."""

import gc
from types import SimpleNamespace

import numpy
import pytest

from caffe_lite.backend.gpu.transfer import RING, PinnedMemory, Uploader


class Stream:
    """Calls in order, run when something waits for them."""

    def __init__(self, non_blocking=False):
        self.calls, self.done = [], 0

    def run(self, until=None):
        until = len(self.calls) if until is None else until
        while self.done < until:
            self.done += 1
            self.calls[self.done - 1]()

    def wait_event(self, event):
        stream, until = event.stream, event.until
        if stream is not None:
            self.calls.append(lambda: stream.run(until))

    def is_capturing(self):
        return False


class Event:
    def __init__(self, **how):
        self.stream = None
        self.until = 0

    def record(self, stream):
        self.stream, self.until = stream, len(stream.calls)

    @property
    def done(self):
        return self.stream is None or self.stream.done >= self.until

    def synchronize(self):
        if self.stream is not None:
            self.stream.run(self.until)


class DeviceArray:
    """Device memory, which changes only when the stream runs that writes to it."""

    compute: Stream
    blocks: list  # of page-locked memory

    @classmethod
    def pinned(cls, host):
        addresses = [numpy.frombuffer(block, "uint8").ctypes.data for block in cls.blocks]
        return host.ctypes.data in addresses

    def __init__(self, content):
        self.content = content
        self.size, self.dtype, self.shape = content.size, content.dtype, content.shape
        self.nbytes = content.nbytes

    def view(self, dtype):
        return DeviceArray(self.content.view(dtype))

    def reshape(self, shape):
        return DeviceArray(self.content.reshape(shape))

    def set(self, host, stream):
        assert host.dtype == self.dtype and host.shape == self.shape
        if not self.pinned(host):  # pageable memory is copied synchronously
            host = host.copy()
        stream.calls.append(lambda: numpy.copyto(self.content, host))

    def __setitem__(self, key, other):
        self.compute.calls.append(lambda: numpy.copyto(self.content, other.content))


class Device:
    def __init__(self):
        self.compute = DeviceArray.compute = Stream()
        self.pinned = 0  # number of page-locked allocations
        self.most = 99
        DeviceArray.blocks = []
        self.scraps = []  # device memory freed by Python that the compute stream still uses
        cuda = SimpleNamespace(Stream=Stream, Event=Event, alloc_pinned_memory=self.alloc_pinned)
        self.cupy = SimpleNamespace(cuda=cuda, empty=self.empty)
        self.memory = PinnedMemory(self.cupy, lambda: None)
        self.uploader = Uploader(self.cupy, self.compute, self.memory)

    def alloc_pinned(self, nbytes):
        if self.pinned == self.most:
            raise RuntimeError("cudaErrorMemoryAllocation: out of memory")
        self.pinned += 1
        DeviceArray.blocks.append(bytearray(nbytes))
        return DeviceArray.blocks[-1]

    def empty(self, shape, dtype):
        if self.scraps:
            return DeviceArray(self.scraps.pop().reshape(-1).view(dtype))
        return DeviceArray(numpy.empty(shape, dtype))

    def array(self, *shape, dtype="float32"):
        return DeviceArray(numpy.full(shape, -1, dtype))


@pytest.fixture
def device():
    return Device()


def test_ordinary_arrays_may_change_at_once(device):
    outs = [device.array(2, 3) for _ in range(3 * RING)]
    host = numpy.empty((3, 2))
    for i, out in enumerate(outs):
        host[...] = i
        device.uploader.copy(host, out)
    host[...] = -5
    device.compute.run()
    assert [set(out.content.flat) for out in outs] == [{i} for i in range(3 * RING)]


def test_pinned_arrays_go_as_they_are_and_tell_when_they_are_free(device):
    host = device.memory.empty((4, 5), "float32")
    taken, outs = device.pinned, [device.array(20) for _ in range(2 * RING)]
    for i, out in enumerate(outs):
        device.memory.wait(host)
        host[...] = i
        device.uploader.copy(host, out)
    assert device.pinned == taken
    device.compute.run()
    assert [set(out.content) for out in outs] == [{i} for i in range(2 * RING)]


@pytest.mark.parametrize("most", [0, 1])
def test_a_system_without_pinned_memory_does_without(device, most):
    device.most = most
    host, outs = device.memory.empty((20,), "float32"), [device.array(20) for _ in range(2 * RING)]
    for i, out in enumerate(outs):
        device.memory.wait(host)
        host[...] = i
        device.uploader.copy(host.astype("float64") if i % 2 else host, out)
    device.compute.run()
    assert [set(out.content) for out in outs] == [{i} for i in range(2 * RING)]


def test_without_waiting_a_pinned_array_is_read_late(device):
    host, out = device.memory.empty((3,), "float32"), device.array(3)
    host[...] = 1
    device.uploader.copy(host, out)
    host[...] = 2
    device.compute.run()
    assert set(out.content) == {2}


def test_another_type_is_converted_before(device):
    host, out = device.memory.empty((3,), "float64"), device.array(3)
    host[...] = 1
    device.uploader.copy(host, out)
    host[...] = 2
    device.compute.run()
    assert set(out.content) == {1}


def test_memory_that_is_given_back_has_been_read(device):
    host, out = device.memory.empty((3,), "float32"), device.array(3)
    host[...] = 1
    device.uploader.copy(host, out)
    copied = device.uploader._stream
    assert copied.done < len(copied.calls)
    del host
    gc.collect()
    assert copied.done == len(copied.calls)


def test_used_device_memory_is_not_written_before_its_last_user_is_done(device):
    last, scrap = [], numpy.zeros(3, "float32")
    device.scraps.append(scrap)
    device.compute.calls.append(lambda: last.append(scrap.tolist()))
    device.uploader.copy(numpy.ones(3, "float32"), device.array(3))
    device.uploader._stream.run()
    assert last == [[0, 0, 0]]


def test_sizes_must_agree(device):
    with pytest.raises(ValueError, match=r"cannot copy \(2,\) into \(3,\)"):
        device.uploader.copy(numpy.zeros(2), device.array(3))
