"""Launching kernels: arguments are checked and cast by the kernel's declaration."""

from collections.abc import Callable
from typing import Any

import numpy

from caffe_lite.backend.gpu import sources

BLOCK = 256  # threads per block; the reductions need a multiple of WARP
MOST_BLOCKS_YZ = 65535
BLOCKS_PER_MULTIPROCESSOR = 32  # more do not make a grid-stride loop faster

# Elements up to which 32-bit indices suffice: a grid-stride loop counts up to one grid further.
MOST_NARROW = 2**31 - 2**26

_NUMBERS = {
    "int": numpy.int32,
    "unsigned int": numpy.uint32,
    "long long": numpy.int64,
    "u64": numpy.uint64,
    "unsigned long long": numpy.uint64,
    "double": numpy.float64,
}
_NULL = numpy.uintp(0)


class Launcher:
    """Launches kernels by name for one element type, compiling each file on first use.

    `load(code, options)` returns a module with `get_function(name)`, such as `cupy.RawModule`.
    Only objects of class `array_type`, or None, may be passed for a pointer.
    """

    def __init__(
        self,
        load: Callable[[str, tuple[str, ...]], Any],
        array_type: type,
        dtype: Any,
        multiprocessors: int,
    ) -> None:
        self._load = load
        self._array_type = array_type
        self._dtype = numpy.dtype(dtype)
        self._most_blocks = multiprocessors * BLOCKS_PER_MULTIPROCESSOR
        self._modules: dict[tuple[str, bool], Any] = {}
        self._kernels: dict[tuple[str, bool], tuple[Any, list[Any]]] = {}

    def __call__(
        self, name: str, threads: int | tuple[int, ...], *args: Any, block: int = BLOCK
    ) -> None:
        """Launch for `threads` elements, or (x, y, z) elements for kernels with three loops.

        The kernel must use grid-stride loops: the grid may be smaller than `threads`.
        """
        x, *outer = (threads,) if isinstance(threads, int) else threads
        if x == 0 or 0 in outer:
            return
        grid = (min(-(-x // block), self._most_blocks), *(min(n, MOST_BLOCKS_YZ) for n in outer))
        self._launch(name, grid, block, args, x)

    def blocks(
        self, name: str, blocks: int | tuple[int, ...], *args: Any, block: int = BLOCK
    ) -> None:
        """Launch exactly `blocks` blocks, for kernels whose threads cooperate."""
        grid = (blocks,) if isinstance(blocks, int) else blocks
        if 0 not in grid:
            self._launch(name, grid, block, args, 0)

    def _launch(
        self, name: str, grid: tuple[int, ...], block: int, args: tuple[Any, ...], reach: int
    ) -> None:
        for arg in args:
            if isinstance(arg, self._array_type):
                reach = max(reach, arg.size)  # type: ignore[attr-defined]
        kernel, casts = self._kernel(name, reach > MOST_NARROW)
        if len(args) != len(casts):
            raise TypeError(f"kernel {name} takes {len(casts)} arguments, got {len(args)}")
        kernel(grid, (block,), tuple(cast(arg) for cast, arg in zip(casts, args, strict=True)))

    def _kernel(self, name: str, wide: bool) -> tuple[Any, list[Any]]:
        found = self._kernels.get((name, wide))
        if found is None:
            file = sources.file_of()[name]
            module = self._modules.get((file, wide))
            if module is None:
                module = self._load(sources.source(file), sources.options(self._dtype, wide))
                self._modules[file, wide] = module
            casts = [
                self._cast(name, parameter, wide) for parameter in sources.signatures(file)[name]
            ]
            found = self._kernels[name, wide] = module.get_function(name), casts
        return found

    def _cast(self, kernel: str, parameter: sources.Parameter, wide: bool) -> Any:
        number = self._number(parameter.ctype, wide)
        if not parameter.is_array:
            return number
        dtype, array_type = numpy.dtype(number), self._array_type
        wanted = f"kernel {kernel}: {parameter.name} must be a C-contiguous {dtype} device array"

        def array(arg: Any) -> Any:
            if arg is None:
                return _NULL
            if not isinstance(arg, array_type):
                raise TypeError(f"{wanted}, got {type(arg).__name__}")
            if arg.dtype != dtype or not arg.flags.c_contiguous:  # type: ignore[attr-defined]
                layout = f"{arg.dtype}, strides {arg.strides}"  # type: ignore[attr-defined]
                raise TypeError(f"{wanted}, got {layout}")
            return arg

        return array

    def _number(self, ctype: str, wide: bool) -> Any:
        if ctype == "Dtype":
            return self._dtype.type
        if ctype == "Index":
            return numpy.int64 if wide else numpy.int32
        return _NUMBERS[ctype]
