"""Random numbers on the GPU, equal to those of the CPU from the same state."""

from typing import Any

import numpy

from caffe_lite.backend.gpu.arrays import GpuArrays
from caffe_lite.backend.reference.random import philox_blocks, philox_key
from caffe_lite.types import Array


class DeviceStream:
    """A `Stream` with its position in device memory, so that each replay of a graph advances it."""

    def __init__(self, ops: "GpuRandom", key: tuple[int, int]) -> None:
        self._ops = ops
        self._state = ops.xp.zeros(3, "uint64")
        self.state = {"key": key, "position": 0}

    def uniform(self, out: Array) -> None:
        """Fill `out` (any shape) with numbers in [0, 1)."""
        blocks = philox_blocks(out.size, out.dtype)
        self._ops.launch("uniform", blocks, blocks, self._state, out, out.size)
        self._ops.launch.blocks("advance", 1, self._state, blocks, block=1)

    def dropout(self, x: Array, y: Array, mask: Array, ratio: float) -> None:
        """See `GpuRandom.dropout`; computes mask and y in one pass."""
        blocks = philox_blocks(x.size, x.dtype)
        self._ops.launch(
            "dropout", blocks, blocks, self._state, x, y, mask, ratio, 1 / (1 - ratio), x.size
        )
        self._ops.launch.blocks("advance", 1, self._state, blocks, block=1)

    @property
    def state(self) -> dict[str, Any]:
        position, *key = self._ops.to_host(self._state).tolist()
        return {"key": key, "position": position}

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        host = numpy.array([value["position"], *value["key"]], "uint64")
        self._ops.copy_to_device(host, self._state)


class GpuRandom(GpuArrays):
    """Streams, and dropout."""

    def stream(self, *key: int) -> DeviceStream:
        """A stream of random numbers on the device, seeded by non-negative ints."""
        return DeviceStream(self, philox_key(*key))

    def dropout(self, x: Array, y: Array, mask: Array, ratio: float, stream: DeviceStream) -> None:
        """y = x * mask; mask = 1 / (1 - ratio) with probability 1 - ratio, else 0 (0 < ratio < 1).

        x, y and mask have one shape; y may be x.
        """
        stream.dropout(x, y, mask, ratio)
