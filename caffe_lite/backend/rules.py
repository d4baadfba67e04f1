"""Update rules: what a solver hands to a backend, and which rules the backends have kernels for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from caffe_lite.backend.slots import UpdateSlot
from caffe_lite.types import Array

Step = Callable[[Any, Array, list[Array], Any, Any], Array]


class Hyper(SimpleNamespace):
    """What a rule reads besides the rate: SolverParameter's fields, and `iteration` from 0.

    A solver may add values of its own. While a CUDA graph is recorded, `iteration` is a 0-d array
    on the device, because each replay has another one; everything else is a plain number.
    """

    momentum: Any = 0.0
    momentum2: Any = 0.999
    delta: Any = 1e-8
    rms_decay: Any = 0.99
    iteration: Any = 0


@dataclass(frozen=True)
class Kernel:
    """A rule in C and CUDA: its name, and the hyper-parameters that it reads, in CUDA's order."""

    name: str
    histories: int
    hyper: tuple[str, ...]

    @property
    def reads_iteration(self) -> bool:
        return self.name == "Adam"


# In the order of C's `enum rule`.
KERNELS = (
    Kernel("SGD", 1, ("momentum",)),
    Kernel("Nesterov", 1, ("momentum",)),
    Kernel("AdaGrad", 1, ("delta",)),
    Kernel("RMSProp", 1, ("rms_decay", "delta")),
    Kernel("AdaDelta", 2, ("momentum", "delta")),
    Kernel("Adam", 2, ("momentum", "momentum2", "delta")),
)
_by_name = {kernel.name: kernel for kernel in KERNELS}
# Keyed by the function itself, not by a name or an attribute of it: neither a subclass's own rule
# nor one that functools.wraps another can pass for a rule that has a kernel.
_by_step: dict[Step, Kernel] = {}


def accelerated(name: str) -> Callable[[Step], Step]:
    """Decorator for a rule that the kernel `name` computes as well.

    The tests of the backends compare the two. Raises ValueError if another function has the kernel.
    """
    kernel = _by_name[name]

    def mark(step: Step) -> Step:
        for other, taken in list(_by_step.items()):
            if taken is kernel:
                if _place(other) != _place(step):
                    raise ValueError(f"the kernel {name} computes {_place(other)} already")
                del _by_step[other]  # its module is loaded a second time
        _by_step[step] = kernel
        return step

    return mark


def _place(step: Step) -> str:
    return f"{step.__module__}.{step.__qualname__}"


@dataclass(frozen=True)
class UpdateRule:
    """How learnable blobs are updated.

    step             step(xp, gradient, history, rate, hyper) returns what is subtracted from a
                     blob, an array of its shape, and brings `history` up to date in place
    histories        arrays of the blob's shape in `history`, zeros at first
    decoupled_decay  weight decay is a step of its own, rate * decay * data (as in AdamW), instead
                     of a term of the gradient
    """

    step: Step
    histories: int = 1
    decoupled_decay: bool = False

    @property
    def name(self) -> str:
        """What errors call it: "Adam", or the function's name, such as LionSolver.rule."""
        return self.kernel.name if self.kernel else self.step.__qualname__

    @property
    def kernel(self) -> Kernel | None:
        """The kernel that computes this very rule, if there is one."""
        return None if self.decoupled_decay else _by_step.get(self.step)

    @property
    def reads_iteration(self) -> bool:
        """Whether the step may depend on the iteration: unknown without a kernel, so assumed."""
        kernel = self.kernel
        return kernel is None or kernel.reads_iteration

    def check(self, slots: Sequence[UpdateSlot]) -> None:
        """Raise ValueError unless every slot has the history arrays that the rule takes."""
        kernel = self.kernel
        wanted = self.histories if kernel is None else kernel.histories
        for slot in slots:
            if len(slot.history) != wanted:
                raise ValueError(
                    f"{self.name} keeps {wanted} arrays of history per blob, got "
                    f"{len(slot.history)}"
                )
