"""Net: layers wired together, run forward and backward."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any

from caffe_lite.backend import get_ops
from caffe_lite.blob import Blob, BlobVec
from caffe_lite.errors import BackendError, CaffeError, ModelError, did_you_mean
from caffe_lite.layers.base import Layer
from caffe_lite.nets import debug
from caffe_lite.nets.fusion import rectified_layers
from caffe_lite.nets.graph import filter_net, insert_splits, with_state
from caffe_lite.nets.parameters import Parameters
from caffe_lite.nets.wiring import Node, Wiring, plan_backward, wire
from caffe_lite.proto import load
from caffe_lite.weights import CopyReport, copy_weights, read_weights

Array = Any
Hook = Callable[[int], None]

log = logging.getLogger("caffe_lite.net")


class Net:
    """A net built from a NetParameter, or from the file that holds one.

    `param` is filtered by `phase` (schema.TRAIN or schema.TEST), `level` and `stages`; its own
    state's stages stay, its phase and level do not, but for `phase` None: then its own state counts
    alone. `ops` is the device and element type (default: CPU, float32). One `seed` decides every
    random number of the net: the starting weights, Dropout, the order of data; None takes the
    system's. `source` is the file that a message was read from, for errors. Raises PrototxtError,
    ModelError or LayerError, each in one line that names the place.

    `blobs` holds the blobs by name in the order in which they are made; they stay on the device.
    `forward` and `backward` take positions of layers, both included.
    """

    def __init__(
        self,
        param: Any,
        phase: int | None = None,
        ops: Any = None,
        *,
        level: int = 0,
        stages: Iterable[str] = (),
        seed: int | None = None,
        source: str | PathLike[str] | None = None,
    ) -> None:
        if isinstance(param, (str, PathLike)):
            param, source = load.load_net(param), param
        self.ops = ops or get_ops()
        self.seed = secrets.randbits(31) if seed is None else seed
        self.param = insert_splits(filter_net(with_state(param, phase, level, stages)))
        self.phase: int = self.param.state.phase
        self.name: str = self.param.name
        self.debug_info: bool = self.param.debug_info
        self.before_forward: list[Hook] = []
        self.after_forward: list[Hook] = []
        self.before_backward: list[Hook] = []
        self.after_backward: list[Hook] = []
        debug.log_definition(self)

        self.wiring: Wiring = wire(self.param, source)
        self.blob_list = [Blob(self.ops, 0) for _ in self.wiring.blob_names]
        self.blobs: dict[str, Blob] = dict(zip(self.wiring.blob_names, self.blob_list, strict=True))
        self.layers: list[Layer] = []
        self.bottom_vecs = [[self.blob_list[b] for b in n.bottom] for n in self.wiring.nodes]
        self.top_vecs = [[self.blob_list[t] for t in n.top] for n in self.wiring.nodes]
        self._shapes: list[list[tuple[int, ...]] | None] = []
        self.reshapes = 0
        self.parameters = Parameters()
        try:
            with self.running():
                self._build_layers()
        except BaseException:
            self.close()
            raise
        self._losses = self._weighted_tops()
        self._rectified = rectified_layers(self.wiring, self.layers)
        plan = plan_backward(self.wiring, self.layers, self.param.force_backward)
        self.layer_need_backward, self.bottom_need_backward = plan.layers, plan.bottoms
        debug.log_result(self)

    def _build_layers(self) -> None:
        for i, node in enumerate(self.wiring.nodes):
            param = node.param
            phase = param.phase if param.HasField("phase") else self.phase
            log.info("Creating Layer %s", param.name)
            layer = node.cls(param, self.ops, phase, self.seed)
            layer.set_loss_weights(len(node.top))
            self.layers.append(layer)
            self._shapes.append(None)
            with _naming(layer):
                layer.setup(self.bottom_vecs[i], self.top_vecs[i])
            self.parameters.add_layer(layer)
            self._reshape_layer(i)
            if log.isEnabledFor(logging.INFO):
                debug.log_set_up(self, i)

    def _reshape_layer(self, i: int) -> None:
        layer, bottom, top = self.layers[i], self.bottom_vecs[i], self.top_vecs[i]
        with _naming(layer):
            layer.reshape(bottom, top)
        for blob, weight in zip(top, layer.loss_weight, strict=True):
            if weight:
                blob.diff[...] = weight
        self._shapes[i] = [blob.shape for blob in bottom]
        self.reshapes += not layer.reshape_every_forward

    def _weighted_tops(self) -> list[tuple[Blob, float]]:
        return [
            (blob, weight)
            for layer, tops in zip(self.layers, self.top_vecs, strict=True)
            for blob, weight in zip(tops, layer.loss_weight, strict=True)
            if weight
        ]

    # Names

    @property
    def layer_names(self) -> list[str]:
        return [layer.name for layer in self.layers]

    @property
    def params(self) -> dict[str, BlobVec]:
        """The learned blobs of each layer that has any."""
        return {layer.name: layer.blobs for layer in self.layers if layer.blobs}

    @property
    def inputs(self) -> list[str]:
        return [self.wiring.blob_names[i] for i in self.wiring.inputs]

    @property
    def outputs(self) -> list[str]:
        """Names of the tops that no layer takes, sorted."""
        return [self.wiring.blob_names[i] for i in self.wiring.outputs]

    @property
    def blob_loss_weights(self) -> dict[str, float]:
        """The loss weight of each blob; 0 where it is no loss."""
        weights = dict.fromkeys(self.wiring.blob_names, 0.0)
        for node, layer in zip(self.wiring.nodes, self.layers, strict=True):
            for t, weight in zip(node.top, layer.loss_weight, strict=True):
                weights[self.wiring.blob_names[t]] = weight
        return weights

    @property
    def bottom_names(self) -> dict[str, list[str]]:
        return self._names(lambda node: node.bottom)

    @property
    def top_names(self) -> dict[str, list[str]]:
        return self._names(lambda node: node.top)

    def _names(self, side: Callable[[Node], list[int]]) -> dict[str, list[str]]:
        return {
            node.param.name: [self.wiring.blob_names[b] for b in side(node)]
            for node in self.wiring.nodes
        }

    def layer_index(self, name: str) -> int:
        """The position of the layer called `name`."""
        for i, layer in enumerate(self.layers):
            if layer.name == name:
                return i
        raise ModelError(
            f'net "{self.name}" has no layer "{name}"{did_you_mean(name, self.layer_names)}'
        )

    # Learned blobs

    @property
    def learnable_params(self) -> list[Blob]:
        """Learned blobs, each once however many layers share it."""
        return self.parameters.blobs

    @property
    def params_lr(self) -> list[float]:
        return [spec.lr_mult for spec in self.parameters.specs]

    @property
    def params_weight_decay(self) -> list[float]:
        return [spec.decay_mult for spec in self.parameters.specs]

    def clear_param_diffs(self) -> None:
        """Set the gradients of all learned blobs to zero; backward adds to them."""
        self.ops.clear([blob.diff for blob in self.learnable_params if blob.has_diff])

    # Running

    def reshape(self) -> None:
        """Carry changed input shapes through the net now; forward would do it as well."""
        with self.running():
            for i in range(len(self.layers)):
                self._reshape_layer(i)

    def forward(self, start: int = 0, end: int | None = None) -> None:
        """Run layers `start` to `end`, reshaping those whose bottoms changed shape."""
        last = self._last(end)
        # Hooks and the debug log want to see each layer's own result.
        watched = self.before_forward or self.after_forward or self.debug_info
        rectified = {} if watched else self._rectified
        with self.running():
            for i in range(start, last + 1):
                for hook in self.before_forward:
                    hook(i)
                self._reshape_if_needed(i)
                if i in rectified and i < last:
                    self._forward_rectified(i)
                elif i == start or i - 1 not in rectified:
                    self.layers[i].forward(self.bottom_vecs[i], self.top_vecs[i])
                if self.debug_info:
                    debug.log_forward(self, i)
                for hook in self.after_forward:
                    hook(i)

    def _reshape_if_needed(self, i: int) -> None:
        shapes = [blob.shape for blob in self.bottom_vecs[i]]
        if self.layers[i].reshape_every_forward or self._shapes[i] != shapes:
            self._reshape_layer(i)

    def _forward_rectified(self, i: int) -> None:
        """Run layer `i` and the ReLU behind it."""
        slope = self._rectified[i]
        self.layers[i].forward_rectified(self.bottom_vecs[i], self.top_vecs[i], slope)

    def backward(self, start: int | None = None, end: int = 0) -> None:
        """Run backward from layer `start` down to layer `end`, where a gradient is needed."""
        last = self._last(start)
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

    @contextmanager
    def running(self) -> Iterator[None]:
        """NaN and infinity pass without warnings; a lack of memory is told with what fills it."""
        try:
            with self.ops.quiet():
                yield
        except (BackendError, MemoryError) as error:
            raise debug.with_largest_blobs(error, self) from error

    def _last(self, position: int | None) -> int:
        last = len(self.layers) - 1 if position is None else position
        if not -1 <= last < len(self.layers):
            raise CaffeError(
                f'net "{self.name}" has layers 0 to {len(self.layers) - 1}, got {last}'
            )
        return last

    def loss(self) -> Array:
        """The weighted sum of the loss tops after forward: a 0-d array that stays on the device."""
        total = self.ops.dtype.type(0)
        for blob, weight in self._losses:
            value = blob.data.reshape(()) if blob.count == 1 else blob.data.sum()
            total = total + (value if weight == 1 else value * self.ops.dtype.type(weight))
        return total

    # Weights and state

    def copy_trained_layers_from(self, weights: Any) -> CopyReport:
        """Copy weights by layer name from a file, several files "a,b", or what read_weights gave.

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
        """Look at the learned blobs of `other`'s layers of the same names from now on."""
        theirs = {layer.name: layer for layer in other.layers}
        for name in theirs.keys() - set(self.layer_names):
            log.info("Ignoring source layer %s", name)
        for layer in self.layers:
            source = theirs.get(layer.name)
            if source is None:
                continue
            shapes = [b.shape for b in layer.blobs], [b.shape for b in source.blobs]
            if shapes[0] != shapes[1]:
                raise layer.fail(
                    f"cannot share weights: its blobs are {shapes[0]}, those of the "
                    f"other net's layer {shapes[1]}"
                )
            for mine, its in zip(layer.blobs, source.blobs, strict=True):
                if mine.buffer_ids[0] != its.buffer_ids[0]:
                    mine.share_data(its)
                    # Tops that look at a learned blob, and tops that look at those, look anew.
                    self._shapes = [None] * len(self.layers)

    def get_state(self) -> dict[str, Any]:
        """By layer name, what decides the future besides learned blobs; see Layer.get_state."""
        states = {layer.name: layer.get_state() for layer in self.layers}
        return {name: state for name, state in states.items() if state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue as the net did from which `get_state` took `state`."""
        for layer in self.layers:
            if layer.name in state:
                layer.set_state(state[layer.name])

    def close(self) -> None:
        """Stop the data layers' threads and give the memory of all blobs back."""
        for layer in self.layers:
            layer.close()
        for blob in self.blob_list:
            blob.release()

    def __enter__(self) -> Net:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _naming(layer: Layer) -> Iterator[None]:
    """Put the layer's name before errors of its blobs, which know of no layer."""
    try:
        yield
    except CaffeError as error:
        if type(error) is CaffeError:
            raise layer.fail(str(error)) from error
        raise
