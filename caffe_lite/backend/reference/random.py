"""Random numbers: host generators that every device shares, and streams on the device."""

from typing import Any

import numpy

from .base import OpsBase


class Stream:
    """Uniform random numbers whose state can be saved and set back.

    `state` is a dict of strings and ints that JSON can hold; two streams with equal state give
    equal numbers for an equal sequence of calls.
    """

    def __init__(self, generator: numpy.random.Generator) -> None:
        self._generator = generator

    def uniform(self, out: Any) -> None:
        """Fill `out` (float32 or float64, any shape) with numbers in [0, 1)."""
        if isinstance(out, numpy.ndarray) and out.flags.c_contiguous:
            self._generator.random(out=out, dtype=out.dtype)
        else:
            out[...] = type(out)(self._generator.random(out.shape, numpy.dtype(out.dtype)))

    @property
    def state(self) -> dict[str, Any]:
        return dict(self._generator.bit_generator.state)

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        self._generator.bit_generator.state = value


class RandomOps(OpsBase):
    """Streams, and dropout, their main customer."""

    def host_rng(self, *key: int) -> numpy.random.Generator:
        """A NumPy generator seeded by non-negative ints; the same on every device."""
        return numpy.random.Generator(numpy.random.PCG64(numpy.random.SeedSequence(key)))

    def stream(self, *key: int) -> Any:
        """A `Stream` of random numbers on the device, seeded by non-negative ints."""
        return Stream(self.host_rng(*key))

    def dropout(self, x: Any, y: Any, mask: Any, ratio: float, stream: Any) -> None:
        """y = x * mask; mask = 1 / (1 - ratio) with probability 1 - ratio, else 0 (0 < ratio < 1).

        x, y and mask have one shape; y may be x.
        """
        stream.uniform(mask)
        keep = mask >= ratio
        mask[...] = 0
        mask[keep] = 1 / (1 - ratio)
        self.xp.multiply(x, mask, out=y)
