"""Prefetching: a background thread makes batches while the net computes."""

import inspect
import os
import queue
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from caffe_lite.errors import DataError

Made = tuple[Any, Any]  # a batch, and the state that its source is in once it is consumed
_PATIENCE = 10.0  # seconds that closing, or the end of the process, waits for a batch being made


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.trace = error.__traceback__


def _weakly(function: Callable[[], Made]) -> Callable[[], Callable[[], Made] | None]:
    """A weak reference to a method, which must not keep its object alive; other functions as is."""
    return weakref.WeakMethod(function) if inspect.ismethod(function) else lambda: function


def _produce(
    maker: Callable[[], Callable[[], Made] | None],
    made: "queue.Queue[Made | _Failure]",
    stop: threading.Event,
) -> None:
    """The worker's loop. It holds neither the Prefetcher nor its owner, so both can be dropped."""
    item: Made | _Failure | None = None
    while not stop.is_set() and not isinstance(item, _Failure):
        item = _make_one(maker())
        if item is None:
            return
        made.put(item)  # blocks while the queue is full; `_halt` makes room


def _make_one(make_batch: Callable[[], Made] | None) -> "Made | _Failure | None":
    try:
        return make_batch() if make_batch else None
    except BaseException as error:  # whatever it is, the consumer raises it
        return _Failure(error)


def _halt(
    stop: threading.Event,
    made: "queue.Queue[Made | _Failure]",
    thread: threading.Thread,
    process: int,
) -> None:
    if process != os.getpid():
        return  # a fork has no copy of the thread, which may have held the queue's lock
    stop.set()
    with suppress(queue.Empty):
        made.get_nowait()
    if thread is not threading.current_thread():
        thread.join(_PATIENCE)


class Prefetcher:
    """Call `make_batch() -> (batch, state)` in advance, in order, in one background thread.

    `get()` returns the next batch and stores its state in `state`: the state of the source right
    after that batch was made. A source restored from it continues after the last batch that was
    *consumed*, regardless of how many were prefetched. `state` is the initial one until then.

    At most `depth` batches wait, one is being made and one is in use by the consumer, so a
    `make_batch` that fills `depth + 2` buffers in turn never overwrites one in use.

    An exception in `make_batch` is raised by `get()` with the worker's traceback, after the
    batches made before it; every later `get()` raises it again. The thread starts with the first
    `get()` or `start()`, and ends with `close()`, with the prefetcher, or with the process.

    A fork of the process copies neither the thread nor the rest of the source in a known state. In
    the child, `get()` raises DataError.
    """

    def __init__(self, make_batch: Callable[[], Made], depth: int = 3, state: Any = None) -> None:
        self.state = state
        self._make_batch = make_batch
        self._depth = max(1, depth)
        self._failure: _Failure | None = None
        self._finalizer: weakref.finalize[..., Prefetcher] | None = None
        self._process = 0  # that of the thread

    def start(self) -> None:
        """Start the thread unless it runs."""
        if self._finalizer is not None:
            if self._process != os.getpid():
                raise DataError(
                    "this process was forked while a thread read data ahead; build the net in the "
                    'child process, or start it with multiprocessing\'s "spawn"'
                )
            return
        self._process = os.getpid()
        stop = threading.Event()
        self._made: queue.Queue[Made | _Failure] = queue.Queue(self._depth)
        thread = threading.Thread(
            target=_produce,
            args=(_weakly(self._make_batch), self._made, stop),
            name="prefetch",
            daemon=True,
        )
        self._finalizer = weakref.finalize(self, _halt, stop, self._made, thread, self._process)
        thread.start()

    def get(self) -> Any:
        """The next batch, once it is made."""
        self.start()
        item = self._failure or self._made.get()
        if isinstance(item, _Failure):
            self._failure = item
            raise item.error.with_traceback(item.trace)
        batch, self.state = item
        return batch

    def close(self) -> None:
        """Stop the thread and drop what it read ahead.

        A later `get()` starts another thread, which reads from where the source then is: set the
        source back to `state` first.
        """
        if self._finalizer is not None:
            self._finalizer()
            self._finalizer = None
        self._failure = None
