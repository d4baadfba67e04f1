"""Net: layers connected by blobs, run forward and backward."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from os import PathLike

from caffe_lite.backend import Ops, get_ops
from caffe_lite.blob import Blob
from caffe_lite.errors import BackendError, CaffeError
from caffe_lite.forks.translate import translate
from caffe_lite.layers.base import Layer
from caffe_lite.nets import debug
from caffe_lite.nets.backward_plan import plan_backward, why_nothing_to_do
from caffe_lite.nets.fusion import rectified_layers
from caffe_lite.nets.graph import filter_net, insert_splits, with_state
from caffe_lite.nets.inference.blobs import AskedBlobs
from caffe_lite.nets.inference.planned import PlannedForward
from caffe_lite.nets.parameters import Parameters
from caffe_lite.nets.placed_layer import PlacedLayer
from caffe_lite.nets.sharing import share_weights
from caffe_lite.nets.structure import Structure
from caffe_lite.nets.untrusted import refuse_untrusted
from caffe_lite.nets.wiring import wire
from caffe_lite.proto import load, schema
from caffe_lite.proto.files import StrPath
from caffe_lite.trust import is_trusted, trusting
from caffe_lite.types import Array, NetParameter, State
from caffe_lite.weights import CopyReport, Weights, copy_weights, read_weights

Hook = Callable[[int], None]

log = logging.getLogger("caffe_lite.net")


class Net(Structure):
    """A net built from a NetParameter, or from the file that holds one.

    The layers are those that `phase` (schema.TRAIN or schema.TEST), `level` and `stages` include.
    The definition's own stages are kept, its phase and level are replaced; with `phase` None its
    state is used unchanged. `ops` is the device and element type (default: CPU, float32). `seed`
    decides every random number of the net: the starting weights, Dropout, the order of data; with
    None it is drawn from the system. `source` is the file that a message was read from, for errors.
    With `trust` False, layers that run code or write files are refused: Python layers, HDF5Output,
    and plugins in the working folder; None allows them unless CAFFE_LITE_SAFE=1 is set.
    Raises PrototxtError, ModelError or LayerError, each in one line that names the place.

    `blobs` holds the blobs by name in the order in which they are made; they stay on the device.
    `forward` and `backward` take positions of layers, both included. Functions in `before_forward`,
    `after_forward`, `before_backward` and `after_backward` are called with each layer's position.
    """

    def __init__(
        self,
        param: NetParameter | StrPath,
        phase: int | None = None,
        ops: Ops | None = None,
        *,
        level: int = 0,
        stages: Iterable[str] = (),
        seed: int | None = None,
        source: StrPath | None = None,
        trust: bool | None = None,
    ) -> None:
        if isinstance(param, (str, PathLike)):
            with trusting(trust):
                source, definition = param, load.load_net(param)
        else:
            definition = param
        self.ops = ops or get_ops()
        self.seed = secrets.randbits(31) if seed is None else seed
        self.param = insert_splits(
            translate(filter_net(with_state(definition, phase, level, stages)))
        )
        with trusting(trust):
            if not is_trusted():
                refuse_untrusted(self.param)
        self.phase = self.param.state.phase
        self.name = self.param.name
        self.debug_info = self.param.debug_info
        self.before_forward: list[Hook] = []
        self.after_forward: list[Hook] = []
        self.before_backward: list[Hook] = []
        self.after_backward: list[Hook] = []
        debug.log_definition(self)

        self.wiring = wire(self.param, source)
        self.blob_list = [Blob(self.ops, 0) for _ in self.wiring.blob_names]
        self.blobs: dict[str, Blob] = dict(self._named_blobs())
        self.bottom_vecs = [[self.blob_list[b] for b in n.bottom] for n in self.wiring.nodes]
        self.top_vecs = [[self.blob_list[t] for t in n.top] for n in self.wiring.nodes]
        self.layers: list[Layer] = []
        self._placed: list[PlacedLayer] = []
        self.reshapes = 0  # of layers whose shapes depend only on those of their bottoms
        self.parameters = Parameters()
        try:
            with self.running():
                self._build_layers()
        except BaseException:
            self.close()
            raise
        self._losses = self._weighted_tops()
        self._planned: PlannedForward | None = None
        self._rectified = rectified_layers(self.wiring, self.layers)
        plan = plan_backward(self.wiring, self.layers, self.param.force_backward)
        self.layer_need_backward, self.bottom_need_backward = plan.layers, plan.bottoms
        self._why_no_backward = why_nothing_to_do(plan, self.layers)
        debug.log_result(self)

    def _build_layers(self) -> None:
        for i, node in enumerate(self.wiring.nodes):
            param = node.param
            phase = param.phase if param.HasField("phase") else self.phase
            log.info("Creating Layer %s", param.name)
            layer = node.cls(param, self.ops, phase, self.seed)
            self.layers.append(layer)
            self._placed.append(PlacedLayer(layer, self.bottom_vecs[i], self.top_vecs[i]))
            self._placed[i].set_up()
            self.parameters.add_layer(layer)
            self._reshape_layer(i)
            if log.isEnabledFor(logging.INFO):
                debug.log_set_up(self, i)

    def _reshape_layer(self, i: int) -> None:
        self._placed[i].reshape()
        self.reshapes += not self.layers[i].reshape_every_forward

    def _weighted_tops(self) -> list[tuple[Blob, float]]:
        return [
            (blob, weight)
            for layer, tops in zip(self.layers, self.top_vecs, strict=True)
            for blob, weight in zip(tops, layer.loss_weight, strict=True)
            if weight
        ]

    # Running

    def reshape(self, keep_varying: bool = False) -> None:
        """Carry changed input shapes through the net now, as the next forward would.

        With `keep_varying`, axes whose sizes the data decide (`Layer.varying_axis`) keep theirs.
        """
        with self.running():
            for i, layer in enumerate(self.layers):
                axis, tops = layer.varying_axis, self.top_vecs[i]
                before = [top.shape for top in tops]
                self._reshape_layer(i)
                if keep_varying and axis is not None:
                    for top, shape in zip(tops, before, strict=True):
                        top.reshape(*top.shape[:axis], shape[axis], *top.shape[axis + 1 :])

    def reshape_changed(self, last: int) -> None:
        """Reshape those of layers 0 to `last` whose bottoms changed shape.

        Layers that reshape before every forward pass do it there.
        """
        for i, placed in enumerate(self._placed[: last + 1]):
            if placed.needs_reshape() and not self.layers[i].reshape_every_forward:
                self._reshape_layer(i)

    def optimize(self, enabled: bool = True) -> Net:
        """Run forward by a plan of fused steps from now on (or no longer); returns the net.

        Results differ by rounding only. `blobs[name]` still has every blob: one that was fused away
        is computed when it is asked for, and kept by later forward passes. Changed weights and
        shapes are noticed. Layers run one by one if there are hooks or `debug_info`, for a part of
        the net, and from the first `backward` on. Without effect on a GPU and in the TRAIN phase.
        """
        if self._planned is not None:
            self._planned.complete()
            self._planned = None
        if enabled and self.ops.on_host and self.phase == schema.TEST:
            self._planned = PlannedForward(self)
            self.blobs = AskedBlobs(dict(self._named_blobs()), self._planned.ask)
        else:
            self.blobs = dict(self._named_blobs())
        return self

    def ask_for(self, name: str) -> None:
        """Have the blob of this name filled by each forward pass, as `blobs[name]` does."""
        if self._planned is not None:
            self._planned.ask(name)

    @property
    def planned_memory(self) -> int:
        """Bytes of the blobs' data and of the plan's own values, as the last forward pass had them.

        Blobs that share memory count once. Without a plan this is the memory of all blobs.
        """
        sizes = {b.buffer_ids[0]: b.count for b in self.blob_list if b.has_data}
        own = 0 if self._planned is None else self._planned.memory
        return sum(sizes.values()) * self.ops.dtype.itemsize + own

    def _named_blobs(self) -> Iterator[tuple[str, Blob]]:
        return zip(self.wiring.blob_names, self.blob_list, strict=True)

    def forward(self, start: int = 0, end: int | None = None) -> None:
        """Run layers `start` to `end`, reshaping those whose bottoms changed shape."""
        last = self._last(end)
        # Hooks and the debug log want to see each layer's own result.
        watched = bool(self.before_forward or self.after_forward or self.debug_info)
        if self._planned is not None and self._planned.forward(start, last, watched):
            return
        rectified = {} if watched else self._rectified
        with self.running():
            for i in range(start, last + 1):
                for hook in self.before_forward:
                    hook(i)
                if self._placed[i].needs_reshape():
                    self._reshape_layer(i)
                if i in rectified and i < last:
                    self._forward_rectified(i)
                elif i == start or i - 1 not in rectified:
                    self.layers[i].forward(self.bottom_vecs[i], self.top_vecs[i])
                if self.debug_info:
                    debug.log_forward(self, i)
                for hook in self.after_forward:
                    hook(i)

    def forward_layer(self, i: int) -> None:
        """Run one layer by itself, reshaping it if its bottoms changed shape; no hooks."""
        if self._placed[i].needs_reshape():
            self._reshape_layer(i)
        self.layers[i].forward(self.bottom_vecs[i], self.top_vecs[i])

    def _forward_rectified(self, i: int) -> None:
        """Run layer `i` and the ReLU behind it."""
        slope = self._rectified[i]
        self.layers[i].forward_rectified(self.bottom_vecs[i], self.top_vecs[i], slope)

    def backward(self, start: int | None = None, end: int = 0) -> None:
        """Run backward from layer `start` down to layer `end`, where a gradient is needed.

        Logs a warning, once, if no layer of the net needs it.
        """
        last = self._last(start)
        if self._planned is not None:
            self._planned.run_layers()
        if self._why_no_backward:
            log.warning('net "%s": backward computes nothing: %s', self.name, self._why_no_backward)
            self._why_no_backward = ""
        with self.running():
            for i in range(last, end - 1, -1):
                for hook in self.before_backward:
                    hook(i)
                if self.layer_need_backward[i]:
                    self._backward_layer(i)
                for hook in self.after_backward:
                    hook(i)
        if self.debug_info and last == len(self.layers) - 1 and end == 0:
            debug.log_norms(self)

    def _backward_layer(self, i: int) -> None:
        self.layers[i].backward(self.top_vecs[i], self.bottom_need_backward[i], self.bottom_vecs[i])
        if self.debug_info:
            debug.log_backward(self, i)

    def _last(self, position: int | None) -> int:
        """The position to run to, or from; CaffeError if there is no such layer."""
        last = len(self.layers) - 1 if position is None else position
        if not -1 <= last < len(self.layers):
            raise CaffeError(
                f'net "{self.name}" has layers 0 to {len(self.layers) - 1}, got position {last}'
            )
        return last

    @contextmanager
    def running(self) -> Iterator[None]:
        """Suppress NaN and infinity warnings, and make errors of what layers may raise.

        Out-of-memory errors name the largest blobs, SystemExit the layer that called sys.exit().
        """
        try:
            with self.ops.quiet():
                yield
        except (BackendError, MemoryError) as error:
            raise debug.with_largest_blobs(error, self) from error
        except SystemExit as error:
            raise debug.exit_as_error(error) from error

    def loss(self) -> Array:
        """The weighted sum of the loss tops after forward: a 0-d array that stays on the device."""
        total: Array = self.ops.dtype.type(0)
        for blob, weight in self._losses:
            value = blob.data.reshape(()) if blob.count == 1 else blob.data.sum()
            total = total + (value if weight == 1 else value * self.ops.dtype.type(weight))
        return total

    def clear_param_diffs(self) -> None:
        """Set the gradients of all learned blobs to zero; backward adds to them."""
        self.ops.clear([blob.diff for blob in self.learnable_params if blob.has_diff])

    # Weights and state

    def copy_trained_layers_from(self, weights: Weights | StrPath) -> CopyReport:
        """Copy weights by layer name from a file, several files "a,b", or a result of read_weights.

        Layers that the net lacks are ignored, layers without weights keep theirs; the report names
        both. Raises ModelError for blobs of another shape, and then copies nothing of that file.
        """
        if isinstance(weights, (str, PathLike)):
            report = CopyReport()
            for path in str(weights).split(","):
                report.merge(copy_weights(self, read_weights(path.strip())))
            return report
        return copy_weights(self, weights)

    def share_trained_layers_with(self, other: Net) -> None:
        """Use the learned blobs of `other`'s layers of the same names from now on.

        Gradients are not shared. Raises LayerError if the shapes of two layers differ, and then
        shares nothing.
        """
        if share_weights(self.layers, other.layers):
            # Some tops share the memory of a learned blob, others that of such a top.
            for placed in self._placed:
                placed.require_reshape()
            if self._planned is not None:
                self._planned.drop()

    def get_state(self) -> dict[str, State]:
        """By layer name, what decides the future besides learned blobs; see Layer.get_state."""
        states = {layer.name: layer.get_state() for layer in self.layers}
        return {name: state for name, state in states.items() if state}

    def set_state(self, state: dict[str, State]) -> None:
        """Restore a state that `get_state` returned."""
        for layer in self.layers:
            if layer.name in state:
                layer.set_state(state[layer.name])

    def close(self) -> None:
        """Stop the threads of the data layers and free the memory of all blobs."""
        for layer in self.layers:
            layer.close()
        for blob in self.blob_list:
            blob.release()

    def __enter__(self) -> Net:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
