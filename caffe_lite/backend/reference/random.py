"""Random numbers: host generators, the same for every device, and streams on the device."""

from typing import Any

import numpy

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.types import Array


class Stream:
    """Uniform random numbers whose state can be saved and restored, the same on every device.

    The numbers are those of NumPy's Philox 4x64 with 10 rounds (Salmon et al. 2011), a function of
    a key and a counter, so a device can compute any of them in parallel. `position` counts the
    consumed blocks of four 64-bit numbers; each call starts a new block.

    `state` is a dict of ints that JSON can store. Two streams with equal state produce equal
    numbers for the same sequence of calls.
    """

    def __init__(self, key: tuple[int, int], position: int = 0) -> None:
        self._key = key
        self._position = position

    def uniform(self, out: Array) -> None:
        """Fill a host array (float32 or float64, any shape) with numbers in [0, 1)."""
        if not out.flags.c_contiguous:
            numbers = numpy.empty(out.shape, out.dtype)
            self.uniform(numbers)
            out[...] = numbers
            return
        bits = numpy.random.Philox(key=numpy.array(self._key, "uint64"), counter=self._position)
        numpy.random.Generator(bits).random(out=out, dtype=out.dtype)
        self._position += philox_blocks(out.size, out.dtype)

    @property
    def state(self) -> dict[str, Any]:
        return {"key": list(self._key), "position": self._position}

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        self._key = (value["key"][0], value["key"][1])
        self._position = value["position"]


def philox_key(*key: int) -> tuple[int, int]:
    """The generator's key for a seed of non-negative ints."""
    first, second = numpy.random.SeedSequence(key).generate_state(2, "uint64").tolist()
    return first, second


def philox_blocks(count: int, dtype: numpy.dtype) -> int:
    """Blocks that `count` uniform numbers consume: four each in float64, eight in float32."""
    return -(-count * dtype.itemsize // 32)


class ReferenceRandom(OpsBase):
    """Generators, streams, and dropout."""

    def host_rng(self, *key: int) -> numpy.random.Generator:
        """A NumPy generator seeded by non-negative ints; the same on every device."""
        return numpy.random.Generator(numpy.random.PCG64(numpy.random.SeedSequence(key)))

    def stream(self, *key: int) -> Any:
        """A `Stream` of random numbers on the device, seeded by non-negative ints."""
        return Stream(philox_key(*key))

    def dropout(self, x: Array, y: Array, mask: Array, ratio: float, stream: Any) -> None:
        """y = x * mask; mask = 1 / (1 - ratio) with probability 1 - ratio, else 0 (0 < ratio < 1).

        x, y and mask have one shape; y may be x.
        """
        stream.uniform(mask)
        keep = mask >= ratio
        mask[...] = 0
        mask[keep] = 1 / (1 - ratio)
        self.xp.multiply(x, mask, out=y)
