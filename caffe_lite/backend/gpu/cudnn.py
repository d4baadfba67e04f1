"""Convolution through cuDNN, if it is installed.

Its algorithms are further candidates in the measured choice of `GpuConvolution`; what it does not
support is computed by `ExplicitGemm`. There are two interfaces to it: NVIDIA's front end
(`cudnn_frontend`), and the C library alone (`cudnn_library`).
"""

import logging
from typing import Any, Protocol

from caffe_lite.backend.gpu.base import GpuBase
from caffe_lite.backend.gpu.explicit_gemm import Plan, Sizes
from caffe_lite.backend.gpu.tuning import UnusableError

CUDNN = "cudnn"
MOST_PLANS = 6  # that are measured; cuDNN lists its plans fastest first, as it expects

log = logging.getLogger("caffe_lite.backend")


class Product(Protocol):
    """One of the three products of a convolution of fixed sizes.

    "forward" computes y, "data" computes x and "weight" computes weight, from the other two arrays.
    """

    count: int  # plans to choose from

    def build(self, variant: int) -> int:
        """Prepare a plan; returns the bytes of workspace that it needs.

        Raises any exception if the plan cannot be used.
        """

    def execute(self, variant: int, pointers: dict[str, int], workspace: int) -> None:
        """Run a plan on arrays at device addresses, "x", "weight" and "y"."""


class Library(Protocol):
    """An interface to cuDNN."""

    version: str

    def product(self, which: str, z: Sizes, images: int) -> Product:
        """Prepare one product ("forward", "data", "weight"); raises if it is not supported."""


class CudnnEngine:
    """The three products of a float32 convolution, each prepared once per shape."""

    def __init__(self, library: Library, ops: GpuBase) -> None:
        self.version = library.version
        self._library = library
        self._ops = ops
        self._products: dict[tuple[str, Sizes, int], Product | None] = {}
        self._workspaces: dict[tuple[str, Sizes, int, int], int] = {}  # of plans that have run

    def plans(self, which: str, z: Sizes, images: int) -> list[Plan]:
        """Plans for one product ("forward", "data", "weight"), some of which may be unusable."""
        product = self._product(which, z, images)
        count = min(product.count, MOST_PLANS) if product else 0
        return [Plan(CUDNN, images, variant) for variant in range(count)]

    def run(self, which: str, plan: Plan, z: Sizes, x: Any, weight: Any, y: Any) -> None:
        """Compute one product into y ("forward"), x ("data") or weight ("weight").

        Raises UnusableError if the plan fails on first use.
        """
        product = self._product(which, z, len(x))
        if product is None:
            raise ValueError(f"cuDNN has no plan for {which} of {z}")
        pointers = {"x": x.data.ptr, "weight": weight.data.ptr, "y": y.data.ptr}
        key = (which, z, len(x), plan.variant)
        if key in self._workspaces:
            product.execute(plan.variant, pointers, self._workspace(self._workspaces[key]))
            return
        try:
            need = product.build(plan.variant)
            product.execute(plan.variant, pointers, self._workspace(need))
        except Exception as error:  # exception classes differ between versions; none is fatal
            log.debug("cuDNN's plan %d for %s of %s: %s", plan.variant, which, z, error)
            raise UnusableError from error
        self._workspaces[key] = need

    def _workspace(self, need: int) -> int:
        (workspace,) = self._ops.workspaces((max(1, -(-need // self._ops.dtype.itemsize)),))
        address: int = workspace.data.ptr
        return address

    def _product(self, which: str, z: Sizes, images: int) -> Product | None:
        key = (which, z, images)
        if key not in self._products:
            made: Product | None = None
            try:
                made = self._library.product(which, z, images)
            except Exception as error:  # as above
                log.debug("cuDNN has no plan for %s of %s: %s", which, z, error)
            self._products[key] = made
        return self._products[key]


def shapes_of(z: Sizes, images: int) -> dict[str, list[int]]:
    """The shapes of a convolution's three arrays."""
    return {
        "x": [images, z.channels, *z.spatial],
        "weight": [z.outputs, z.channels // z.geometry.group, *z.geometry.kernel],
        "y": [images, z.outputs, *z.output],
    }


def strides_of(shape: list[int]) -> list[int]:
    """Elements from one index to the next along each axis of a C-contiguous array."""
    strides = [1]
    for size in reversed(shape[1:]):
        strides.insert(0, strides[0] * size)
    return strides
