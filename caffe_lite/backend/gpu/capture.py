"""A whole iteration recorded as a CUDA graph and replayed with one call."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from caffe_lite.errors import BackendError, CaffeError


class CaptureError(BackendError):
    """Work that cannot be recorded in a graph: it waits for the device or copies from the host."""


class GpuRecording:
    """Device work in the order it was recorded; `replay` does it again on the same arrays.

    It holds every array that the work refers to but the caller's own (blobs, parameters), which
    must outlive it unchanged in shape.
    """

    def __init__(self, graph: Any, stream: Any, keep: tuple[Any, ...]) -> None:
        self._graph = graph
        self._stream = stream
        self._keep = keep

    def replay(self) -> None:
        """Start the recorded work; returns before it is done."""
        self._graph.launch(self._stream)


def record(
    cupy: Any, stream: Any, function: Callable[[], None], kept: Callable[[], list[Any]]
) -> GpuRecording:
    """Record what `function` does on `stream`, without doing it.

    Everything must have run once before, so that kernels are compiled and workspaces have grown.
    `kept` lists, when all is recorded, what else the work refers to. Raises CaptureError where it
    cannot be recorded.
    """
    # Temporary arrays of the recorded work must stay its own after Python has dropped them.
    pool = cupy.cuda.MemoryPool()
    with cupy.cuda.using_allocator(pool.malloc), _without_collecting():
        stream.begin_capture()
        failure: Exception | None = None
        try:
            function()
        except Exception as error:  # the stream must leave its capturing state whatever happens
            failure = error
        try:
            graph = stream.end_capture()
        except Exception as error:  # CuPy's class for it is not known here
            failure = failure or error
    if failure is None:
        return GpuRecording(graph, stream, (pool, *kept()))
    if isinstance(failure, CaffeError):
        raise failure
    raise CaptureError(f"cannot be captured in a CUDA graph: {failure}") from failure


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Keep the garbage collector away: what it frees may want to wait for the device."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
