"""pycaffe's Net: a net whose blobs are read and written as NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.blob import Blob, BlobVec
from caffe_lite.errors import CaffeError, ModelError, UsageError, did_you_mean
from caffe_lite.host_blob import HostBlob, HostBlobs
from caffe_lite.layers.base import Layer
from caffe_lite.nets import net as core
from caffe_lite.nets.inference.blobs import AskedBlobs
from caffe_lite.proto.schema import TEST, TRAIN
from caffe_lite.pycaffe import mode
from caffe_lite.pycaffe.errors import ArgumentError
from caffe_lite.types import Array
from caffe_lite.weights import write_caffemodel, write_hdf5


class Net:
    """`Net(network_file, phase, level=0, stages=None, weights=None)`, or the older
    `Net(network_file, weights, phase)`. `network_file` may also be a NetParameter. `trust` is that
    of `caffe_lite.Net`. Raises UsageError for other arguments, and the errors of `caffe_lite.Net`.

    `blobs`, `params` and `layer_dict` are dicts in the net's order; `layers`, `inputs`, `outputs`,
    `bottom_names` and `top_names` are those of Caffe's own interface. On a GPU, `blob.data` is a
    host copy that is written back to the device at the next forward or backward.
    """

    def __init__(
        self,
        network_file: str | Path,
        *args: Any,
        phase: int | None = None,
        level: int = 0,
        stages: Iterable[str] | None = None,
        weights: str | Path | None = None,
        trust: bool | None = None,
    ) -> None:
        if len(args) == 2 and isinstance(args[0], (str, Path)):
            weights, phase = args
        else:
            given = [phase, level, stages, weights]
            given[: len(args)] = args
            phase, level, stages, weights = given[:4]  # type: ignore[assignment]
        _check_arguments(phase, level, len(args))
        if isinstance(stages, str):
            stages = [stages]
        net = core.Net(
            network_file,
            phase,
            mode.current_ops(),
            level=level,
            stages=stages or (),
            seed=mode.current_seed(),
            trust=trust,
        )
        net.optimize()
        self._adopt(net)
        if weights is not None:
            self.copy_from(weights)

    @classmethod
    def wrap(cls, net: core.Net) -> Net:
        """pycaffe's view of an existing net."""
        view = cls.__new__(cls)
        view._adopt(net)
        return view

    def _adopt(self, net: core.Net) -> None:
        self.core = net
        self._host = HostBlobs(net.ops)
        self.name, self.phase = net.name, net.phase
        names = net.wiring.blob_names
        wrapped = {
            name: self._host.wrap(blob) for name, blob in zip(names, net.blob_list, strict=True)
        }
        self.blobs = AskedBlobs(wrapped, net.ask_for)
        self.layers = [LayerView(layer, self._host) for layer in net.layers]
        self.layer_dict = {view.name: view for view in self.layers}
        self.params = {view.name: view.blobs for view in self.layers if len(view.blobs)}
        self._layer_names = net.layer_names
        self._blob_names = list(net.wiring.blob_names)
        self._inputs, self._outputs = net.wiring.inputs, net.wiring.outputs
        self.inputs, self.outputs = net.inputs, net.outputs
        self.bottom_names, self.top_names = net.bottom_names, net.top_names
        self.blob_loss_weights = net.blob_loss_weights
        self._blob_loss_weights = list(self.blob_loss_weights.values())

    @property
    def _blobs(self) -> list[Blob | HostBlob]:
        return list(self.blobs.values())

    def _bottom_ids(self, layer: int) -> list[int]:
        """Positions, in `blobs`, of the bottoms of the layer at this position."""
        return self.core.wiring.nodes[layer].bottom

    def _top_ids(self, layer: int) -> list[int]:
        """Positions, in `blobs`, of the tops of the layer at this position."""
        return self.core.wiring.nodes[layer].top

    # Running

    def _forward(self, start: int, end: int) -> float:
        self._host.flush()
        self.core.forward(start, end)
        return float(self.core.loss())

    def _backward(self, start: int, end: int) -> None:
        self._host.flush()
        self.core.backward(start, end)

    def forward(
        self,
        blobs: Sequence[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **inputs: Array,
    ) -> dict[str, Array]:
        """Run layers `start` to `end` forward, after setting input blobs from keywords.

        Returns the data of the output blobs (of the tops of `end`) and of `blobs`, by name.
        """
        self._set(inputs, self.inputs, "inputs", "data")
        first = 0 if start is None else self.core.layer_index(start)
        last = len(self.layers) - 1 if end is None else self.core.layer_index(end)
        wanted = self._known([*(self.top_names[end] if end else self.outputs), *(blobs or ())])
        for name in wanted:
            self.core.ask_for(name)
        self._forward(first, last)
        return {name: self.blobs[name].data for name in wanted}

    def backward(
        self,
        diffs: Sequence[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **top_diffs: Array,
    ) -> dict[str, Array]:
        """Run layers `start` down to `end` backward, after setting output diffs from keywords.

        Returns the diffs of the input blobs (of the bottoms of `end`) and of `diffs`, by name.
        """
        self._set(top_diffs, self.outputs, "outputs", "diff")
        first = len(self.layers) - 1 if start is None else self.core.layer_index(start)
        last = 0 if end is None else self.core.layer_index(end)
        wanted = self._known([*(self.bottom_names[end] if end else self.inputs), *(diffs or ())])
        self._backward(first, last)
        return {name: self.blobs[name].diff for name in wanted}

    def _known(self, names: list[str]) -> list[str]:
        for name in names:
            if name not in self.blobs:
                raise ModelError(
                    f'net "{self.name}" has no blob "{name}"{did_you_mean(name, self.blobs)}'
                )
        return names

    def _set(self, given: dict[str, Array], names: list[str], what: str, field: str) -> None:
        if given and given.keys() != set(names):
            raise CaffeError(
                f"the keywords given ({', '.join(sorted(given))}) are not the net's "
                f"{what} ({', '.join(names)})"
            )
        for name, values in given.items():
            blob = self.blobs[name]
            if len(values) != blob.shape[0]:
                raise CaffeError(
                    f'"{name}" takes {blob.shape[0]} items at once, got '
                    f"{len(values)}; reshape the blob, or use forward_all"
                )
            try:
                getattr(blob, field)[...] = values
            except ValueError as error:
                raise ArgumentError(
                    f'"{name}" has shape {blob.shape}, got an array of shape {np.shape(values)}'
                ) from error

    def forward_all(self, blobs: Sequence[str] | None = None, **inputs: Array) -> dict[str, Array]:
        """Run any number of items through the net, batch by batch; see `forward`."""
        collected: dict[str, list[Array]] = {}
        for batch in self._batch(inputs):
            for name, values in self.forward(blobs, None, None, **batch).items():
                collected.setdefault(name, []).append(np.array(values))
        return self._joined(collected, len(next(iter(inputs.values()))))

    def forward_backward_all(
        self,
        blobs: Sequence[str] | None = None,
        diffs: Sequence[str] | None = None,
        **arrays: Array,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """As `forward_all`, with backward after each batch; keywords name inputs and outputs."""
        datas: dict[str, list[Array]] = {}
        gradients: dict[str, list[Array]] = {}
        for batch in self._batch(arrays):
            ins = {name: batch[name] for name in self.inputs if name in batch}
            outs = {name: batch[name] for name in self.outputs if name in batch}
            for name, values in self.forward(blobs, None, None, **ins).items():
                datas.setdefault(name, []).append(np.array(values))
            for name, values in self.backward(diffs, None, None, **outs).items():
                gradients.setdefault(name, []).append(np.array(values))
        count = len(next(iter(arrays.values())))
        return self._joined(datas, count), self._joined(gradients, count)

    def _batch(self, arrays: dict[str, Array]) -> Iterator[dict[str, Array]]:
        """Batches of the net's size; the last one is padded with zeros."""
        counts = {name: len(values) for name, values in arrays.items()}
        if len(set(counts.values())) != 1:
            raise ArgumentError(
                f"expected arrays with equal numbers of items, one for each input of the net "
                f"({', '.join(self.inputs)}), got {counts or 'none'}"
            )
        size = self.blobs[next(iter(self.blobs))].shape[0]
        count = next(iter(counts.values()))
        for start in range(0, count, size):
            batch = {
                name: np.asarray(values[start : start + size]) for name, values in arrays.items()
            }
            missing = size - min(size, count - start)
            if missing:
                batch = {
                    name: np.concatenate([part, np.zeros((missing, *part.shape[1:]))])
                    for name, part in batch.items()
                }
            yield batch

    @staticmethod
    def _joined(collected: dict[str, list[Array]], count: int) -> dict[str, Array]:
        return {
            name: np.concatenate([np.atleast_1d(part) for part in parts])[:count]
            for name, parts in collected.items()
        }

    def reshape(self) -> None:
        """Propagate changed input shapes through the net."""
        self._host.flush()
        self.core.reshape()

    def clear_param_diffs(self) -> None:
        self._host.flush()
        self.core.clear_param_diffs()

    def set_input_arrays(self, data: Array, labels: Array) -> None:
        """Set the arrays of the net's MemoryData layer: data (N, C, H, W), labels (N,)."""
        for layer in self.core.layers:
            if layer.type == "MemoryData":
                layer.set_arrays(data, labels)  # type: ignore[attr-defined]
                return
        raise CaffeError(f'net "{self.name}" has no MemoryData layer for the arrays')

    _set_input_arrays = set_input_arrays

    # Weights

    def copy_from(self, path: str | Path) -> None:
        """Copy weights by layer name from a caffemodel, binary or HDF5."""
        self._host.flush()
        self.core.copy_trained_layers_from(path)

    load_hdf5 = copy_from

    def share_with(self, other: Net) -> None:
        """Use the learned blobs of `other` from now on, in the same memory."""
        self._host.join(other._host)
        self.core.share_trained_layers_with(other.core)

    def save(self, path: str | Path) -> None:
        """Write a binary caffemodel."""
        self._host.flush()
        write_caffemodel(self.core, path)

    def save_hdf5(self, path: str | Path) -> None:
        """Write an HDF5 caffemodel."""
        self._host.flush()
        write_hdf5(self.core, path)

    # Hooks, which are called with the position of each layer

    def before_forward(self, hook: Callable[[int], None]) -> None:
        self.core.before_forward.append(hook)

    def after_forward(self, hook: Callable[[int], None]) -> None:
        self.core.after_forward.append(hook)

    def before_backward(self, hook: Callable[[int], None]) -> None:
        self.core.before_backward.append(hook)

    def after_backward(self, hook: Callable[[int], None]) -> None:
        self.core.after_backward.append(hook)


def _check_arguments(phase: Any, level: Any, positional: int) -> None:
    if phase not in (TRAIN, TEST):
        given = "" if phase is None else f", got {phase!r}"
        raise UsageError(f"Net needs a phase: caffe.TRAIN or caffe.TEST{given}")
    if not isinstance(level, int) or positional > 4:
        raise UsageError(
            f"Net takes (network_file, phase, level, stages, weights) or the older (network_file, "
            f"weights, phase); got {positional} arguments after the file, level {level!r}; pass "
            "them by name: weights=..."
        )


class LayerView:
    """A layer whose learned blobs are NumPy arrays; other attributes are those of the layer."""

    def __init__(self, layer: Layer, host: HostBlobs) -> None:
        self.layer = layer
        self.name, self.type = layer.name, layer.type
        self.blobs: BlobVec | list[Blob | HostBlob] = (
            layer.blobs if layer.ops.on_host else host.wrap_all(layer.blobs)
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.layer, name)
