"""What the sections share: the backends, and the record of findings."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from caffe_lite.backend import get_ops
from caffe_lite.backend.gpu import cuda
from caffe_lite.backend.gpu.ops import CupyOps


@dataclass(frozen=True)
class Check:
    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Measurement:
    """A number with its unit; `beside` holds the numbers that it is compared with, by name."""

    name: str
    value: float
    unit: str
    beside: dict[str, float]


@dataclass
class Section:
    name: str
    checks: list[Check] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    seconds: float = 0.0


class Context:
    """The device under test and the findings so far; `small` selects tiny sizes."""

    def __init__(self, gpu: int, small: bool = False) -> None:
        self.gpu = gpu
        self.small = small
        self.device: dict[str, Any] = cuda.device_query(gpu)
        self.sections: list[Section] = []
        self.ceilings: dict[str, float] = {}

    def ops(self, dtype: str = "float32", tf32: str = "none") -> CupyOps:
        """The backend under test, by default without TF32, for comparisons with the CPU."""
        return CupyOps(self.gpu, dtype, tf32)

    def cpu(self, dtype: str = "float32") -> Any:
        return get_ops(dtype=dtype)

    def begin(self, name: str) -> Section:
        self.sections.append(Section(name))
        return self.sections[-1]

    def check(self, name: str, passed: bool, detail: str = "") -> None:
        self.sections[-1].checks.append(Check(name, bool(passed), detail))

    def attempt(self, name: str, action: Callable[..., Any], *args: Any) -> None:
        """A check that passes unless `action(*args)` raises; its return value is the detail."""
        try:
            self.check(name, True, str(action(*args)))
        except Exception as error:  # any exception is a finding
            self.check(name, False, f"{type(error).__name__}: {error}")

    def measure(self, name: str, value: float, unit: str, **beside: float) -> None:
        self.sections[-1].measurements.append(Measurement(name, value, unit, beside))

    @property
    def failures(self) -> list[Check]:
        return [check for section in self.sections for check in section.checks if not check.passed]

    def time(self, ops: CupyOps, action: Callable[[], Any], seconds: float = 0.5) -> float:
        """Milliseconds that `action` takes on the device, by `median_time`."""
        return self.clock(action, ops.synchronize, seconds)

    def clock(
        self, action: Callable[[], Any], synchronize: Callable[[], Any], seconds: float
    ) -> float:
        """`median_time`, or if `small` a single call."""
        if self.small:
            return median_time(action, synchronize, 0.0, runs=1, warm_up=0)
        return median_time(action, synchronize, seconds)


def median_time(
    action: Callable[[], Any],
    synchronize: Callable[[], Any],
    seconds: float,
    runs: int = 5,
    warm_up: int = 3,
) -> float:
    """Milliseconds per call, the median of `runs` timings that take `seconds` together.

    Timed with the host's clock until the device has finished; runs are long enough to make that
    wait negligible.
    """
    for _ in range(warm_up):
        action()
    synchronize()
    start = time.perf_counter()
    action()
    synchronize()
    once = time.perf_counter() - start
    count = max(1, int(seconds / runs / max(once, 1e-7)))
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(count):
            action()
        synchronize()
        times.append((time.perf_counter() - start) / count * 1e3)
    return sorted(times)[runs // 2]
