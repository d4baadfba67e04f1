"""Layer: one node of a net, with an explicit forward and backward pass."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from zlib import crc32

from caffe_lite import plugins
from caffe_lite.blob import Blob, BlobVec
from caffe_lite.errors import BottomShapeError, LayerError
from caffe_lite.fillers import fill
from caffe_lite.proto import schema
from caffe_lite.proto.additions import additions, field_at
from caffe_lite.types import (
    Array,
    Blobs,
    FillerParameter,
    Flags,
    Generator,
    LayerParameter,
    Message,
    NetParameter,
    Shape,
    State,
)

if TYPE_CHECKING:
    from caffe_lite.backend import Ops
    from caffe_lite.backend.operations import Operation

Bounds = tuple[int, int | None]

log = logging.getLogger("caffe_lite.layers")


class _Default:
    """A default that an instance attribute of the same name overrides, such as a user's `rng`.

    It is a non-data descriptor: a property would refuse the user's assignment.
    """

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self._read = read
        self.__doc__ = read.__doc__

    def __get__(self, layer: Any, cls: type) -> Any:
        return self if layer is None else self._read(layer)


class Layer:
    """Base of all layers, built-in and user-made; override the four methods, not the constructor.

    `setup` runs once and creates learned blobs; `reshape` runs after it, and again whenever a
    bottom's shape changed; `forward` fills `top[i].data`; `backward` ADDS to the diffs of learned
    blobs and OVERWRITES `bottom[i].diff` where `propagate_down[i]`, leaving the others alone.
    Arrays are written (`blob.data[...] = x`), never rebound. What backward needs of forward is kept
    on `self`; workspaces are allocated in `reshape`. Layers run under `ops.quiet()`, so that NaN
    and infinity pass through arithmetic without a warning.
    """

    type: ClassVar[str] = ""
    bottoms: ClassVar[Bounds] = (1, 1)  # fewest and most; None: no limit
    tops: ClassVar[Bounds] = (1, 1)
    no_gradient: ClassVar[tuple[int, ...]] = ()  # bottoms that can never take one, such as labels
    tops_without_gradient: ClassVar[tuple[int, ...]] = ()  # tops such as a mask; diffs not read
    is_loss: ClassVar[bool] = False  # loss weight 1 for the first top unless the prototxt says else
    is_metric: ClassVar[bool] = (
        False  # only measures: bottom[0] is predicted, the others are labels
    )
    auto_tops: ClassVar[bool] = False  # the net adds unnamed tops up to the fewest
    in_place: ClassVar[bool] = False  # top[0] may be bottom[0]
    reshape_every_forward: ClassVar[bool] = False  # shapes follow from more than bottom shapes
    varying_axis: int | None = None  # of all tops, the axis that the data give its size
    host_side: ClassVar[bool] = False  # forward or backward runs Python that waits for the device
    is_data: ClassVar[bool] = False  # reads a source; takes no bottoms
    has_source: ClassVar[bool] = False  # a file or module that may be missing where a net is read
    reads_images: ClassVar[bool] = False  # its first top holds images
    labels_pixels: ClassVar[bool] = False  # its second top holds a label for each of their pixels
    spatial: ClassVar[bool] = False  # windows over height and width: its bottom is an image
    keeps_layout: ClassVar[bool] = False  # tops are images where bottoms are
    # Messages of LayerParameter that it reads, or single fields: "data_param.prefetch". Of a layer
    # that ships, register() makes it the message of the file's name; None: not known.
    reads: ClassVar[tuple[str, ...] | None] = None
    # Fields that forks of Caffe added to Caffe's messages, and that it honours.
    extensions: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, param: LayerParameter, ops: Ops, phase: int = schema.TRAIN, seed: int = 0
    ) -> None:
        self.param = param
        self.ops, self.xp = ops, ops.xp
        self.phase = phase
        self.name: str = param.name
        self._check_fields(param)
        self.blobs = BlobVec(ops)
        self.param_propagate_down: list[bool] = []
        self.loss_weight: list[float] = []
        self._seed_key = (seed, crc32(self.name.encode()))
        self._rng: Generator | None = None
        self._stream: Any = None

    def _check_fields(self, param: LayerParameter) -> None:
        """Warn of messages that have no effect; fail for a fork's field that is not honoured.

        A field that changes a shape or a value is never skipped. Those that the fork's schema marks
        `deprecated` are hints to its implementation and change nothing here.
        """
        if self.reads is None:
            return
        read = {name.partition(".")[0] for name in self.reads}
        for field, _ in param.ListFields():
            if field.name.endswith("_param") and field.name not in read:
                log.warning(
                    'layer "%s": %s has no effect on a %s', self.name, field.name, self.type
                )
        for name in additions(param):
            if name in read or name in self.extensions:
                continue
            if self._is_of_another_type(name):
                continue  # the warning above is all that Caffe says, too
            if name.startswith("param.") or name == "connectivity_mode":
                if not self.train:  # it is about the updates of learned blobs
                    continue
            if not field_at(param, name).GetOptions().deprecated:
                raise self.fail(
                    f"{name} is a field of a fork of Caffe that changes what the layer computes, "
                    "and it is not supported here; remove it if the default will do"
                )
            log.info('layer "%s": %s is a hint that changes nothing here', self.name, name)

    @staticmethod
    def _is_of_another_type(field: str) -> bool:
        """Whether a fork's message is that of a type of layer by its name: inner_distance_param."""
        name = field.removesuffix("_param")
        return name != field and any(each.module(name) for each in plugins.call("fork_sets"))

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        """Read `self.param` and create learned blobs; bottom shapes are known."""

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """Give each top its shape and take workspaces."""
        raise NotImplementedError(f"{type(self).__name__}.reshape")

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """Fill `top[i].data` from `bottom[i].data`."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, top: Blobs, propagate_down: Flags, bottom: Blobs) -> None:
        """Add to `self.blobs[i].diff`; overwrite `bottom[i].diff` where `propagate_down[i]`."""
        if any(propagate_down):
            raise self.fail("has no backward pass; set propagate_down: false for its bottoms")

    def top_data_in_backward(self, in_place: bool) -> str:
        """What backward reads of the tops' data: "values", just their "signs", or "" for nothing.

        A layer behind that works in place must not change it. `in_place`: top[0] is bottom[0].
        """
        return ""

    @_Default
    def keeps_signs(self) -> bool:
        """Whether y > 0 just where x > 0, or else dx = 0."""
        return False

    @_Default
    def described_type(self) -> str:
        """The type that descriptions of a net show."""
        return self.type

    @_Default
    def takes_rectifier(self) -> bool:
        """Whether the layer has a `forward_rectified`."""
        return False

    @_Default
    def rectifier_slope(self) -> float | None:
        """The slope below zero of a layer that is a ReLU and nothing else; None for others."""
        return None

    def forward_rectified(self, bottom: Blobs, top: Blobs, slope: float) -> None:
        """`forward` and the in-place ReLU of this slope behind it, in one pass over memory."""
        raise NotImplementedError(f"{type(self).__name__}.forward_rectified")

    def operation(self, bottom: Blobs, top: Blobs) -> Operation | None:
        """What `forward` computes in the TEST phase, for inference plans; None: it runs itself.

        Called after `reshape`. The weights in it may be arrays of the learned blobs.
        """
        return None

    def multiply_adds(self, bottom: Blobs, top: Blobs) -> int:
        """Multiply-adds of one forward pass through the products of weights and data.

        Element-wise work (biases, activations, pooling, normalization) is not counted.
        """
        return 0

    @classmethod
    def source_batch(cls, param: LayerParameter) -> int:
        """The number of items in a batch as the definition gives it, else 1."""
        return 1

    @classmethod
    def source_exists(cls, param: LayerParameter) -> bool:
        """Whether what a layer with this LayerParameter reads is there. Opens nothing."""
        return True

    @classmethod
    def source_shape(cls, param: LayerParameter, top: int, net: NetParameter) -> Shape | None:
        """The shape of a top as the definition gives it, without the source; None: unknown.

        `net` is the NetParameter around the layer.
        """
        return None

    @classmethod
    def declared_shapes(cls, param_str: str, tops: Sequence[str]) -> list[Shape] | None:
        """Of a class that a Python layer names: the shapes of its `tops`, by name, if known.

        Nothing is read for it: the source may be missing.
        """
        return None

    @classmethod
    def overwrites(cls, param: LayerParameter) -> str:
        """What a layer with this LayerParameter overwrites: 'the file "a.h5"'; "" if nothing."""
        return ""

    def close(self) -> None:
        """Stop threads and release files. The layer is not used afterwards."""

    @_Default
    def train(self) -> bool:
        return bool(self.phase == schema.TRAIN)

    @_Default
    def given_loss_weights(self) -> list[float]:
        """The loss weights of the prototxt; without any, 1 for the first top of a loss."""
        return list(self.param.loss_weight) or ([1.0] if self.is_loss else [])

    def set_loss_weights(self, tops: int) -> None:
        """Set `loss_weight`, one for each of `tops` tops: as given, 0 for the others."""
        given = self.given_loss_weights
        self.loss_weight = given + [0.0] * (tops - len(given))

    def add_blob(self, shape: Sequence[int], filler: FillerParameter | None = None) -> Blob:
        """Append a learned blob of this shape, filled by a FillerParameter (zeros without one)."""
        index = len(self.blobs)
        blob = self.blobs.add_blob(*shape)
        if filler is not None:
            try:
                fill(blob, filler, lambda: self.ops.host_rng(*self._seed_key, index))
            except ValueError as error:
                raise self.fail(f"blob {index} {blob.shape}: {error}") from error
        return blob

    def needs_param_diff(self, index: int) -> bool:
        """Whether backward should compute the gradient of learned blob `index`."""
        flags = self.param_propagate_down
        return flags[index] if index < len(flags) else True

    @_Default
    def rng(self) -> Generator:
        """This layer's own random numbers on the host (the order of data)."""
        if self._rng is None:
            self._rng = self.ops.host_rng(*self._seed_key)
        return self._rng

    @_Default
    def stream(self) -> Any:
        """This layer's own random numbers on the device (Dropout, stochastic pooling)."""
        if self._stream is None:
            self._stream = self.ops.stream(*self._seed_key)
        return self._stream

    def get_state(self) -> State:
        """What decides the future besides learned blobs: random numbers, cursors, carried state.

        Values are numbers, strings, lists and dicts of those, or host arrays.
        """
        state: State = {}
        if self._rng is not None:
            state["rng"] = self._rng.bit_generator.state
        if self._stream is not None:
            state["stream"] = self._stream.state
        return state

    def set_state(self, state: State) -> None:
        """Restore a state that `get_state` returned."""
        # Numbers that had not been drawn from by then start afresh.
        if "rng" in state:
            self.rng.bit_generator.state = state["rng"]
        else:
            self._rng = None
        if "stream" in state:
            self.stream.state = state["stream"]
        else:
            self._stream = None

    @property
    def _title(self) -> str:
        """This layer's name and type, as errors give them."""
        return f'layer "{self.name}" ({self.param.type or self.type or type(self).__name__})'

    def __repr__(self) -> str:
        blobs = ", ".join(str(blob.shape) for blob in self.blobs)
        return f'<{type(self).__name__} "{self.name}"{f": blobs {blobs}" if blobs else ""}>'

    def fail(self, text: str) -> LayerError:
        """An error that names this layer and its type: `raise self.fail("...")`."""
        return LayerError(f"{self._title}: {text}")

    def fail_shape(self, i: int, shape: Shape, text: str) -> BottomShapeError:
        """An error as of `fail`, about a bottom[i] that would fit if it had this shape."""
        names = self.param.bottom
        blob = names[i] if i < len(names) else f"bottom[{i}]"
        return BottomShapeError(str(self.fail(text)), blob, shape)

    def _require_whole(
        self, values: Array, limit: int, rule: str, ignore: int | None = None
    ) -> None:
        """Fail with `rule` unless each value, cut to an integer, is in [0, limit) or is `ignore`.

        On a device the error comes with the next value that the host reads from there.
        """
        fault = self.ops.label_fault(values, limit, ignore, f"{self._title}: {rule}")
        if fault is not None:
            raise self.fail(f"{rule}, got {fault:g}")

    @staticmethod
    def _as_views(source: Array, target: Array, shape: Sequence[int]) -> tuple[Array, Array]:
        """Both arrays in another shape, as one view where they are one array.

        CuPy copies an input that shares memory with the result, unless they are the same object.
        """
        view = source.reshape(shape)
        return view, view if target is source else target.reshape(shape)

    def _zero_gradient(self, propagate_down: Flags, bottom: Blobs) -> None:
        """The backward pass of a layer that passes no gradient on: zeros where one is asked for."""
        for flag, blob in zip(propagate_down, bottom, strict=True):
            if flag:
                blob.diff[...] = 0

    def require_elements(self, bottom: Blobs) -> None:
        """Fail if a bottom has no elements."""
        for i, blob in enumerate(bottom):
            if not blob.count:
                raise self.fail(
                    f"bottom[{i}] must hold at least one element, its shape is "
                    f"{blob.shape}; give every axis a size of at least 1"
                )

    def note_hint(self, message: Message, field: str) -> None:
        """Log that a field is accepted and has no effect here, such as `engine: CUDNN`."""
        if message.HasField(field):
            log.debug(
                'layer "%s": %s is a hint for another implementation, taken as read',
                self.name,
                field,
            )

    def canonical_axis(self, axis: int, ndim: int, what: str = "axis") -> int:
        """`axis` counted from the front; negative values count from the back, as in NumPy."""
        if not -ndim <= axis < ndim:
            raise self.fail(
                f"{what} must be in [{-ndim}, {ndim - 1}] for a bottom of {ndim} axes, got {axis}"
            )
        return axis % ndim
