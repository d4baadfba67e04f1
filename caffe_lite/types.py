"""The types that signatures share: arrays, shapes, lists of blobs, and the messages used most.

Nothing is imported here at run time, so every part can use them. The messages are built from
`caffe.desc` when `caffe_lite.proto.schema` loads; the classes below describe the fields that the
package reads, and `proto/caffe.proto` says what each field means.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    from caffe_lite.blob import Blob

    Array: TypeAlias = numpy.ndarray[Any, numpy.dtype[Any]]
    ArrayLike: TypeAlias = numpy.typing.ArrayLike
    Generator: TypeAlias = numpy.random.Generator
else:
    Array = Any  # numpy.ndarray or cupy.ndarray: the package uses what both have in common
    ArrayLike = Any  # a host array, or numbers and nested lists that NumPy makes one of
    Generator = Any  # numpy.random.Generator: random numbers on the host

ArrayModule: TypeAlias = Any  # numpy or cupy
Shape: TypeAlias = tuple[int, ...]
Pair: TypeAlias = tuple[int, int]  # height and width of a kernel, a stride, a pad or a plane
Blobs: TypeAlias = "Sequence[Blob]"  # the bottoms, tops or learned blobs of a layer, in order
Flags: TypeAlias = Sequence[bool]  # propagate_down: one for each bottom
State: TypeAlias = dict[str, Any]  # numbers, strings, host arrays, and lists and dicts of those

M = TypeVar("M")


class Message(Protocol):
    """A protobuf message of the schema; its fields are attributes."""

    DESCRIPTOR: Any

    def HasField(self, name: str) -> bool: ...  # noqa: N802
    def ClearField(self, name: str) -> None: ...  # noqa: N802
    def CopyFrom(self, other: Any) -> None: ...  # noqa: N802
    def MergeFrom(self, other: Any) -> None: ...  # noqa: N802
    def ListFields(self) -> Sequence[tuple[Any, Any]]: ...  # noqa: N802
    def SerializeToString(self, *, deterministic: bool = ...) -> bytes: ...  # noqa: N802


class AnyMessage(Message, Protocol):
    """A message whose fields are not described here, such as a layer type's own."""

    def __getattr__(self, name: str) -> Any: ...
    def __setattr__(self, name: str, value: Any) -> None: ...


class Repeated(MutableSequence[M]):
    """A repeated field of messages; `add` appends one and returns it."""

    def add(self, **fields: Any) -> M:
        raise NotImplementedError


class FillerParameter(Message, Protocol):
    """The starting values of a learned blob."""

    type: str
    value: float
    min: float
    max: float
    mean: float
    std: float
    sparse: int
    variance_norm: int


class ParamSpec(Message, Protocol):
    """How one learned blob is shared and updated."""

    name: str
    share_mode: int
    lr_mult: float
    decay_mult: float


class NetState(Message, Protocol):
    """The phase, level and stages that decide which layers a net has."""

    phase: int
    level: int
    stage: MutableSequence[str]


class NetStateRule(Message, Protocol):
    """A condition on the NetState for a layer to be included or excluded."""

    phase: int
    min_level: int
    max_level: int
    stage: MutableSequence[str]
    not_stage: MutableSequence[str]


class LayerParameter(AnyMessage, Protocol):
    """One layer's definition.

    Besides these fields each layer type has a message of its own, such as `convolution_param`.
    """

    name: str
    type: str
    bottom: MutableSequence[str]
    top: MutableSequence[str]
    phase: int
    loss_weight: MutableSequence[float]
    param: Repeated[ParamSpec]
    blobs: Repeated[Any]
    propagate_down: MutableSequence[bool]
    include: Repeated[NetStateRule]
    exclude: Repeated[NetStateRule]


class NetParameter(Message, Protocol):
    """A net's definition, upgraded: without V0 and V1 layers and top-level inputs."""

    name: str
    state: NetState
    layer: Repeated[LayerParameter]
    force_backward: bool
    debug_info: bool


class SolverParameter(Message, Protocol):
    """A solver's definition: its nets, its schedule, and the options of its update rule."""

    type: str
    net: str
    net_param: NetParameter
    train_net: str
    train_net_param: NetParameter
    train_state: NetState
    test_net: MutableSequence[str]
    test_net_param: Repeated[NetParameter]
    test_state: Repeated[NetState]
    weights: MutableSequence[str]

    max_iter: int
    iter_size: int
    display: int
    average_loss: int
    test_iter: MutableSequence[int]
    test_interval: int
    test_initialization: bool
    test_compute_loss: bool
    snapshot: int
    snapshot_prefix: str
    snapshot_diff: bool
    snapshot_format: int
    snapshot_after_train: bool
    debug_info: bool

    lr_policy: str
    base_lr: float
    gamma: float
    power: float
    stepsize: int
    stepvalue: MutableSequence[int]

    momentum: float
    momentum2: float
    rms_decay: float
    delta: float
    weight_decay: float
    regularization_type: str
    clip_gradients: float

    solver_mode: int
    device_id: int
    random_seed: int
    # Fields of forks
    eval_type: str
    ap_version: str
    show_per_class_result: bool
    plateau_winsize: MutableSequence[int]
    stagelr: MutableSequence[float]
    stageiter: MutableSequence[int]
    warmup_iter: int
    warmup_start_lr: float
    rampup_interval: int
    rampup_lr: float
    min_lr: float
    momentum_policy: str
    max_momentum: float
    momentum_power: float
    weight_decay_policy: str
    weight_decay_power: float
    max_weight_decay: float
    larc: bool
    larc_policy: str
    larc_eta: float
    larc_turbo: bool
    local_lr_auto: bool
    local_gw_ratio: float
    clamp_weights_lower: float
    clamp_weights_upper: float
    clip_weights: float
    test_offset: int
    disabled_update: bool
    test_and_snapshot_last_epochs: int
