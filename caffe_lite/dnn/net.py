"""cv2.dnn's Net: a Caffe net that is asked for the outputs of layers by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.dnn.described import DescribedNet, Name
from caffe_lite.dnn.dump import dot
from caffe_lite.dnn.errors import raises_cv2_error
from caffe_lite.dnn.graph import Graph, Pin
from caffe_lite.dnn.run import Run
from caffe_lite.dnn.shapes import layer_shapes
from caffe_lite.errors import ModelError, UsageError, did_you_mean
from caffe_lite.proto.atomic import atomic_path
from caffe_lite.types import Array, ArrayLike, Shape

_RUNS = 2  # nets that are kept for different outputs


class Net(DescribedNet):
    """A net of `readNetFromCaffe` or `readNet`; `Net()` is empty.

    `setInput` gives it an array (N, C, H, W), `forward` runs it and returns outputs as arrays of
    their own. Names are those of layers. It runs in float32, on a GPU if `setPreferableTarget` asks
    for CUDA and there is one. Every error is a `caffe_lite.dnn.error`.
    """

    def __init__(
        self, graph: Graph | None = None, weights: Mapping[str, list[Any]] | None = None
    ) -> None:
        super().__init__(graph or Graph(""), weights)
        self._inputs: list[Blob] = []
        self._is_set = [False] * len(self._graph.input_names)
        self._runs: dict[tuple[Pin, ...], Run] = {}
        self._last: Run | None = None
        self._elapsed = 0

    # Running

    @raises_cv2_error
    def setInput(
        self, blob: ArrayLike, name: str = "", scalefactor: float = 1.0, mean: ArrayLike = ()
    ) -> None:
        """Set an input, the first unless `name` is another's, to (blob - mean) * scalefactor.

        `mean` is a number for each channel, up to four; a single number is that of channel 0.
        The array is copied. It may have any shape that the net's layers take.
        """
        i = self._input_index(name)
        if not isinstance(blob, np.ndarray) or blob.dtype.kind not in "fiu" or not blob.ndim:
            raise UsageError(f"setInput takes an array of numbers, got {_kind(blob)}")
        values = blob
        if not values.size:
            raise UsageError(f"setInput takes an array with elements, got shape {blob.shape}")
        given = self._blobs()[i]
        given.reshape(*values.shape)
        shift = _mean(mean, values.shape) if mean is not None else None
        if shift is not None or scalefactor != 1 or not self._device.on_host:
            values = np.array(values, np.float32)
            if shift is not None:
                values -= shift
            values *= np.float32(scalefactor)
        self._device.copy_to_device(values, given.data)
        self._is_set[i] = True

    def _input_index(self, name: str | None) -> int:
        names = self._graph.input_names
        if not names:
            raise ModelError("the net is empty; read one with readNetFromCaffe")
        if not name:
            return 0
        if name not in names:
            raise ModelError(f'the net has no input "{name}"; its inputs are {", ".join(names)}')
        return names.index(name)

    def _blobs(self) -> list[Blob]:
        if not self._inputs:
            self._inputs = [Blob(self._device, 0) for _ in self._graph.input_names]
        return self._inputs

    @raises_cv2_error
    def forward(
        self,
        outputName: str | Sequence[str] | None = None,
        outputBlobs: object = None,
        *,
        outBlobNames: Sequence[str] | None = None,
    ) -> Any:
        """The output of the layer `outputName`, by default the last; a tuple for several names.

        Of a layer with several outputs it is the first. `outputBlobs` is not used: the arrays that
        are returned are new ones.
        """
        names = outputName if outBlobNames is None else outBlobNames
        if names is None or isinstance(names, str):
            return self._forward([self._pin(names)])[0]
        if not names:
            return tuple(self._forward([self._pin(None)]))
        return tuple(self._forward([self._pin(name) for name in names]))

    @raises_cv2_error
    def forwardAndRetrieve(self, outBlobNames: Sequence[str]) -> tuple[tuple[Array, ...], ...]:
        """All outputs of each layer that is named."""
        nodes = [self._graph.nodes[self._pin(name)[0]] for name in outBlobNames]
        counts = [node.output_count for node in nodes]
        pins = [(n.id, i) for n, count in zip(nodes, counts, strict=True) for i in range(count)]
        values = iter(self._forward(pins))
        return tuple(tuple(next(values) for _ in range(count)) for count in counts)

    def _pin(self, name: str | None) -> Pin:
        if self.empty():
            raise ModelError("the net is empty; read one with readNetFromCaffe")
        if not name:
            return self._graph.nodes[-1].id, 0
        found = self._graph.id_of(name)
        if found > 0:
            return found, 0
        makers = [node.name for node in self._graph.nodes[1:] if name in node.outputs]
        hint = did_you_mean(name, self.getLayerNames())
        if makers:
            hint = f'; it is a blob, ask for the layer that makes it, "{makers[-1]}"'
        raise ModelError(f'the net has no layer "{name}"{hint}')

    def _forward(self, pins: list[Pin]) -> list[Array]:
        for name, ready in zip(self._graph.input_names, self._is_set, strict=True):
            if not ready:
                raise ModelError(f'input "{name}" is not set; call setInput before forward')
        started = perf_counter_ns()
        self._last = self._run(tuple(pins))
        values = self._last.forward()
        self._elapsed = perf_counter_ns() - started
        return values

    def _run(self, pins: tuple[Pin, ...]) -> Run:
        run = self._runs.pop(pins, None)
        if run is None:
            if len(self._runs) == _RUNS:
                del self._runs[next(iter(self._runs))]
            run = Run(self._graph, pins, self._blobs(), self._params, self._device)
        self._runs[pins] = run
        return run

    def _set_blobs(self, layer: str, blobs: Sequence[Array]) -> None:
        super()._set_blobs(layer, blobs)
        self._forget_runs()

    def _forget_runs(self) -> None:
        self._runs.clear()
        self._last = None

    # What it took

    @raises_cv2_error
    def getPerfProfile(self) -> tuple[int, Array]:
        """Nanoseconds of the last forward, and of each layer but `_input` (float64).

        Layers are timed in a forward pass of their own, one by one. Those that did not run have 0.
        """
        if self._last is None:
            return 0, np.zeros(0)
        times = self._last.times()
        return self._elapsed, np.array(
            [float(times.get(node.name, 0)) for node in self._graph.nodes[1:]]
        )

    @raises_cv2_error
    def dump(self) -> str:
        """The layers and their connections, as a graph for Graphviz."""
        shapes = None
        if self._is_set and all(self._is_set):
            shapes = layer_shapes(self._graph, [b.shape for b in self._blobs()], self._device)
        return dot(self._graph, shapes)

    @raises_cv2_error
    def dumpToFile(self, path: str | Path) -> None:
        """Write `dump()` to a file."""
        with atomic_path(path) as target:
            target.write_text(self.dump())

    # Settings

    @raises_cv2_error
    def setParam(self, layer: Name, numParam: int, blob: Array) -> None:
        """Replace a learned blob of a layer by one of as many elements."""
        self._params.set(self._node(layer).name, numParam, np.asarray(blob))
        self._forget_runs()

    @raises_cv2_error
    def setInputsNames(self, inputBlobNames: Sequence[str]) -> None:
        """Rename the net's inputs, in their order."""
        if len(inputBlobNames) != len(self._graph.input_names):
            raise UsageError(
                f"the net has {len(self._graph.input_names)} inputs, got {len(inputBlobNames)} "
                "names"
            )
        self._graph.input_names[:] = inputBlobNames
        self._graph.nodes[0].outputs[:] = inputBlobNames
        self._forget_runs()

    @raises_cv2_error
    def setInputShape(self, inputName: str, shape: Shape) -> None:
        """Set the shape that the definition gives an input; `setInput` decides what runs."""
        self._graph.input_shapes[self._input_index(inputName)] = tuple(shape)

    def setPreferableBackend(self, backendId: int) -> None:
        """With DNN_BACKEND_CUDA the net runs on a GPU if there is one; others change nothing."""
        self._move(backendId, self._target)

    def setPreferableTarget(self, targetId: int) -> None:
        """With DNN_TARGET_CUDA the net runs on a GPU if there is one; others change nothing.

        It computes in float32 on all of them.
        """
        self._move(self._backend, targetId)

    def _move(self, backend: int, target: int) -> None:
        if (backend, target) == (self._backend, self._target):
            return
        self._backend, self._target = backend, target
        old, self._ops = self._ops, None
        if old is None or self._device.on_host == old.on_host:
            self._ops = old
            return
        self._forget_runs()
        values = [old.to_host(blob.data) for blob in self._inputs]
        self._inputs = []
        for blob, array in zip(self._blobs(), values, strict=True):
            blob.reshape(*array.shape)
            blob.load(array)

    def enableFusion(self, fusion: bool) -> None:
        """Accepted; layers are fused where that pays."""

    def enableWinograd(self, useWinograd: bool) -> None:
        """Accepted; convolutions choose their algorithm by themselves."""

    def setHalideScheduler(self, scheduler: str) -> None:
        """Accepted; there is no Halide here."""

    @raises_cv2_error
    def quantize(self, *args: object, **kwargs: object) -> Net:
        """Refused: nets run in float32."""
        raise UsageError("quantize: nets run in float32 here; there is no 8-bit form")


def _kind(value: object) -> str:
    return f"one of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__


def _mean(mean: ArrayLike, shape: Shape) -> Array | None:
    """The mean of each channel, to be subtracted; None if it is 0."""
    given = np.atleast_1d(np.asarray(mean, np.float64)).ravel()
    if not given.any():
        return None
    if len(given) > 4 or len(shape) != 4 or shape[1] > 4:
        raise UsageError(
            f"mean takes up to 4 channels of a blob (N, C, H, W), got {len(given)} numbers for "
            f"shape {shape}"
        )
    full = np.zeros(4, np.float32)
    full[: len(given)] = given
    return full[: shape[1]].reshape(-1, 1, 1)
