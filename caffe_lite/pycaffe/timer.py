"""pycaffe's stopwatch."""

from time import perf_counter

from caffe_lite.pycaffe import mode


class Timer:
    """Measures milliseconds: call `start()` and `stop()`, then read `ms`. Waits for the device."""

    def __init__(self) -> None:
        self._start = 0.0
        self.ms = 0.0

    def start(self) -> None:
        self._start = self._now()

    def stop(self) -> None:
        self.ms = (self._now() - self._start) * 1000

    @staticmethod
    def _now() -> float:
        mode.current_ops().synchronize()
        return perf_counter()
