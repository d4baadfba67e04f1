"""Events that a solver emits; each listener is called with every one of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Output:
    """One element of an output blob; `index` counts over all outputs, `loss_weight` is 0 for others
    than losses."""

    index: int
    name: str
    value: float
    loss_weight: float


@dataclass(frozen=True)
class ClassPrecision:
    """The average precision of one class of detections, in the test output `name`."""

    name: str
    label: int
    value: float


@dataclass(frozen=True)
class NetCreating:
    """A net is about to be built; `test_index` is None for the train net."""

    source: str
    test_index: int | None


@dataclass(frozen=True)
class WeightsCopied:
    """Starting weights went into the train net; `report` is the CopyReport as text."""

    path: str
    report: str


@dataclass(frozen=True)
class SolvingStarted:
    net: str
    lr_policy: str
    iteration: int
    max_iter: int


@dataclass(frozen=True)
class Restored:
    """A snapshot was restored; `exact` says whether the run can resume bit for bit."""

    path: str
    iteration: int
    exact: bool


@dataclass(frozen=True)
class IterationDisplayed:
    """The mean loss of the latest `average_loss` iterations, before this one's update.

    `outputs` are the train net's. `display` is the solver's interval; the `iterations` since the
    last display of this run took `seconds`.
    """

    iteration: int
    loss: float
    learning_rate: float
    outputs: tuple[Output, ...]
    display: int
    iterations: int
    seconds: float


@dataclass(frozen=True)
class GradientsClipped:
    """At a displayed iteration, all gradients were scaled by `scale`; their L2 norm was `norm`."""

    iteration: int
    norm: float
    scale: float


@dataclass(frozen=True)
class LearningRateStepped:
    """A policy lowered the rate: multistep at its next stepvalue, plateau for want of progress."""

    iteration: int
    step: int
    policy: str = "multistep"


@dataclass(frozen=True)
class RateDisplayed:
    """The rate of the update that ends a displayed iteration, after LearningRateStepped if any."""

    iteration: int
    rate: float


@dataclass(frozen=True)
class IterationDone:
    """An update is done; `iteration` is the number of updates so far."""

    iteration: int


@dataclass(frozen=True)
class TestStarted:
    iteration: int
    test_index: int


@dataclass(frozen=True)
class TestDone:
    """Outputs averaged over `batches` forward passes; `loss` only with test_compute_loss."""

    iteration: int
    test_index: int
    batches: int
    seconds: float
    outputs: tuple[Output, ...]
    loss: float | None
    class_precisions: tuple[ClassPrecision, ...] = ()


@dataclass(frozen=True)
class TestInterrupted:
    iteration: int
    test_index: int


@dataclass(frozen=True)
class Snapshotting:
    """A file is about to be written: `what` is "weights" or "state"."""

    what: str
    path: str
    hdf5: bool


@dataclass(frozen=True)
class Snapshotted:
    """Both files of a snapshot have reached the disk."""

    iteration: int
    weights: str
    state: str


@dataclass(frozen=True)
class LossNotFinite:
    """A displayed loss is NaN or infinite: the first such value is at `place`, `text` says more."""

    iteration: int
    loss: float
    place: str
    text: str


@dataclass(frozen=True)
class SnapshotRefused:
    """No snapshot was taken, since the weights at `place` are not finite."""

    iteration: int
    place: str


@dataclass(frozen=True)
class FinalLoss:
    """The loss after the last update, from one more forward pass."""

    iteration: int
    loss: float


@dataclass(frozen=True)
class SolvingDone:
    """Training ended; `early` says that a request stopped it before max_iter."""

    iteration: int
    early: bool


Event = (
    NetCreating
    | WeightsCopied
    | SolvingStarted
    | Restored
    | IterationDisplayed
    | GradientsClipped
    | LearningRateStepped
    | RateDisplayed
    | IterationDone
    | TestStarted
    | TestDone
    | TestInterrupted
    | Snapshotting
    | Snapshotted
    | LossNotFinite
    | SnapshotRefused
    | FinalLoss
    | SolvingDone
)
