"""Recording a whole iteration as a CUDA graph, to be replayed with one call."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from caffe_lite.errors import BackendError, CaffeError


class CaptureError(BackendError):
    """The work cannot be recorded in a graph: it waits for the device or copies from the host."""


class GpuRecording:
    """Recorded device work; `replay` runs it again on the same arrays.

    It keeps all temporaries of the work alive. The caller's arrays (blobs, parameters) must outlive
    it with unchanged shapes.
    """

    def __init__(self, graph: Any, stream: Any, keep: tuple[Any, ...]) -> None:
        self._graph = graph
        self._stream = stream
        self._keep = keep

    def replay(self) -> None:
        """Start the recorded work; returns before it has finished."""
        self._graph.launch(self._stream)


def record(
    cupy: Any, stream: Any, function: Callable[[], None], kept: Callable[[], list[Any]]
) -> GpuRecording:
    """Record the work of `function` on `stream` without running it.

    `function` must have run once before, so that kernels are compiled and workspaces have grown.
    `kept` is called at the end and returns further objects that the work refers to. Raises
    CaptureError if the work cannot be recorded.
    """
    # A separate pool: temporaries of the recording must not be reused after Python frees them.
    pool = cupy.cuda.MemoryPool()
    with cupy.cuda.using_allocator(pool.malloc), _without_collecting():
        stream.begin_capture()
        failure: Exception | None = None
        try:
            function()
        except Exception as error:  # the capture must be ended in any case
            failure = error
        try:
            graph = stream.end_capture()
        except Exception as error:  # CuPy's exception class is not available here
            failure = failure or error
    if failure is None:
        return GpuRecording(graph, stream, (pool, *kept()))
    if isinstance(failure, CaffeError):
        raise failure
    raise CaptureError(f"cannot be captured in a CUDA graph: {failure}") from failure


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Disable the garbage collector: freeing an object may wait for the device."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
