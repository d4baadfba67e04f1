"""The stand-in's memory, fenced and full of garbage, and the tape of a captured stream."""

import numpy

FENCE, FENCE_BYTES, GARBAGE = 0xA5, 256, 0xCB


class Tape:
    """The calls made on a captured stream, in order."""

    def __init__(self):
        self.calls = None  # a list while capturing
        self.waits = 0  # how often the host has waited for the device

    def do(self, call):
        """Run the call now, or record it. A device does not warn about NaN and infinity."""

        def quietly():
            with numpy.errstate(all="ignore"):
                call()

        if self.calls is None:
            quietly()
        else:
            self.calls.append(quietly)

    def wait(self, what):
        """Called when the host needs a result, which is not possible while capturing."""
        if self.calls is not None:
            raise RuntimeError(f"the current stream is capturing, so {what} is disallowed")
        self.waits += 1


TAPE = Tape()

# CuPy's own cuBLAS calls are refused while a stream is captured, and sorting waits for the device.
_PRODUCTS = {"matmul", "tensordot", "einsum", "inner", "dot", "__matmul__"}
_SORTS = {"sort", "argsort", "lexsort", "argpartition", "partition", "unique"}


def check_capturable(name, args):
    """Refuse calls that CuPy cannot make while capturing."""
    if TAPE.calls is None:
        return
    vectors = all(getattr(arg, "ndim", 0) < 2 for arg in args[:2])
    if name in _PRODUCTS and not (name == "dot" and vectors):
        raise NotImplementedError("calling cuBLAS API during stream capture is unsupported")
    if name in _SORTS:
        TAPE.wait("sorting")


class Memory:
    """Fenced blocks of memory, found by address."""

    def __init__(self):
        self.blocks = {}

    def allocate(self, nbytes):
        """A fenced buffer of `nbytes` full of garbage."""
        size = FENCE_BYTES + -(-nbytes // FENCE_BYTES) * FENCE_BYTES + FENCE_BYTES
        whole = numpy.full(size + FENCE_BYTES, FENCE, "uint8")
        start = FENCE_BYTES + -whole.ctypes.data % FENCE_BYTES
        whole[start : start + nbytes] = GARBAGE
        return Buffer(self, whole, start, nbytes)

    def block_of(self, address):
        """(start, end) of the buffer that contains an address."""
        for start in list(self.blocks):  # arrays may be freed meanwhile
            end = self.blocks.get(start, start)
            if start <= address < end:
                return start, end
        raise RuntimeError(f"address {address:#x} is not in device memory")


class Buffer:
    """One allocation."""

    def __init__(self, memory, whole, start, nbytes):
        self._whole, self._start, self._nbytes = whole, start, nbytes
        self.address = whole.ctypes.data + start
        self.bytes = whole[start : start + nbytes]
        self._memory = memory
        memory.blocks[self.address] = self.address + max(1, nbytes)

    def check(self):
        end = self._start + self._nbytes
        if (self._whole[: self._start] != FENCE).any() or (self._whole[end:] != FENCE).any():
            raise RuntimeError("a kernel wrote outside its array")

    def __del__(self):
        self._memory.blocks.pop(self.address, None)


MEMORY = Memory()
