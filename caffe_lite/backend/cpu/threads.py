"""A pool of threads for NumPy code, which releases the interpreter lock in its loops."""

import contextvars
import os
import threading
from collections.abc import Callable
from contextlib import nullcontext
from queue import SimpleQueue
from typing import Any

from caffe_lite.backend.cpu.blas import openblas


class Pool:
    """Runs a function over parts of a range; the caller takes the first part.

    Meanwhile OpenBLAS is limited to one thread. If NumPy has another BLAS, that keeps its threads
    and the pool has only the caller's.
    """

    def __init__(self, threads: int) -> None:
        blas = openblas()
        self._single = blas or nullcontext()
        self.threads = threads if blas else 1
        self._queues: list[SimpleQueue[Any]] = []
        self._finished: SimpleQueue[BaseException | None] = SimpleQueue()
        self._owner = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_workers)

    def run(self, function: Callable[[int, int], None], count: int, most_parts: int) -> None:
        """Call function(begin, end) for at most `most_parts` parts of range(count).

        Parts must be independent. The first error, if any, is raised when all have ended.
        """
        parts = min(self.threads, most_parts, count)
        if parts < 2 or not self._owner.acquire(blocking=False):
            with self._single:
                function(0, count)
            return
        try:
            self._run(function, [count * i // parts for i in range(parts + 1)])
        finally:
            self._owner.release()

    def _run(self, function: Callable[[int, int], None], bounds: list[int]) -> None:
        others = len(bounds) - 2
        while len(self._queues) < others:
            self._start_worker()
        errors: list[BaseException] = []
        with self._single:
            for i in range(others):
                task = (contextvars.copy_context(), function, bounds[i + 1], bounds[i + 2])
                self._queues[i].put(task)
            try:
                function(bounds[0], bounds[1])
            except BaseException as error:
                errors.append(error)
            errors += filter(None, (self._finished.get() for _ in range(others)))
        if errors:
            raise errors[0]

    def _start_worker(self) -> None:
        queue: SimpleQueue[Any] = SimpleQueue()
        threading.Thread(
            target=self._work, args=(queue, self._finished), name="caffe_lite pool", daemon=True
        ).start()
        self._queues.append(queue)

    @staticmethod
    def _work(queue: "SimpleQueue[Any]", finished: "SimpleQueue[Any]") -> None:
        while True:
            context, function, begin, end = queue.get()
            try:
                context.run(function, begin, end)
                finished.put(None)
            except BaseException as error:
                finished.put(error)
            del context, function  # they may hold large arrays

    def _forget_workers(self) -> None:
        """A forked child has only the thread that forked: it starts its own workers later."""
        self._queues = []
        self._finished = SimpleQueue()
        self._owner = threading.Lock()
