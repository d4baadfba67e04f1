"""What a net says of itself: its layers, their learned blobs, shapes and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from caffe_lite.backend import Ops, get_ops
from caffe_lite.dnn import constants
from caffe_lite.dnn.errors import raises_cv2_error
from caffe_lite.dnn.flops import flops
from caffe_lite.dnn.graph import Graph, Node
from caffe_lite.dnn.layer import Layer
from caffe_lite.dnn.params import Params
from caffe_lite.dnn.shapes import LayerShapes, layer_shapes, memory
from caffe_lite.errors import BackendError, ModelError, UsageError, did_you_mean
from caffe_lite.types import Array, Shape

Name = str | int
_CUDA = {constants.DNN_TARGET_CUDA, constants.DNN_TARGET_CUDA_FP16}


class DescribedNet:
    """The part of `Net` that runs nothing."""

    def __init__(self, graph: Graph, weights: Mapping[str, list[Any]] | None) -> None:
        self._graph = graph
        self._params = Params(graph, weights)
        self._ops: Ops | None = None
        self._backend, self._target = constants.DNN_BACKEND_DEFAULT, constants.DNN_TARGET_CPU

    @property
    def _device(self) -> Ops:
        if self._ops is None:
            self._ops = self._choose_device()
        return self._ops

    def _choose_device(self) -> Ops:
        if self._target in _CUDA or self._backend == constants.DNN_BACKEND_CUDA:
            try:
                return get_ops(0)
            except BackendError:
                pass  # as OpenCV does without CUDA
        return get_ops()

    def empty(self) -> bool:
        """Whether the net has no layers."""
        return len(self._graph.nodes) == 1

    def getLayerNames(self) -> tuple[str, ...]:
        """The names of all layers but `_input`, by id."""
        return tuple(node.name for node in self._graph.nodes[1:])

    @raises_cv2_error
    def getLayerId(self, layer: str) -> int:
        """The id of a layer, from 1; 0 for `_input`, -1 if there is none of this name."""
        return self._graph.id_of(layer)

    @raises_cv2_error
    def getLayer(self, layerId: Name) -> Layer:
        """The layer of an id or a name."""
        node = self._node(layerId)
        blobs = self._params.get(node.name, [])
        return Layer(node, blobs, partial(self._set_blobs, node.name), self._target)

    def _set_blobs(self, layer: str, blobs: Sequence[Array]) -> None:
        self._params.replace(layer, blobs)

    def _node(self, layer: Name) -> Node:
        found = self._graph.id_of(layer) if isinstance(layer, str) else layer
        if not isinstance(found, (int, np.integer)) or not 0 <= found < len(self._graph.nodes):
            hint = did_you_mean(layer, self.getLayerNames()) if isinstance(layer, str) else ""
            raise ModelError(f"the net has no layer {layer!r}{hint}")
        return self._graph.nodes[found]

    def getLayerTypes(self) -> tuple[str, ...]:
        """The types that occur, sorted."""
        return tuple(sorted({node.type for node in self._graph.nodes}))

    def getLayersCount(self, layerType: str) -> int:
        """How many layers are of this type."""
        return sum(node.type == layerType for node in self._graph.nodes)

    def getUnconnectedOutLayers(self) -> Array:
        """The ids of layers whose outputs no layer takes (int32)."""
        return np.array([node.id for node in self._graph.nodes if not node.taken], np.int32)

    def getUnconnectedOutLayersNames(self) -> tuple[str, ...]:
        """The names of layers whose outputs no layer takes."""
        return tuple(self._graph.nodes[i].name for i in self.getUnconnectedOutLayers())

    @raises_cv2_error
    def getParam(self, layer: Name, numParam: int = 0) -> Array:
        """A learned blob of a layer."""
        node = self._node(layer)
        blobs = self._params.get(node.name, [])
        if not 0 <= numParam < len(blobs):
            raise UsageError(
                f'layer "{node.name}" ({node.type}) has {len(blobs)} learned blobs, got number '
                f"{numParam}"
            )
        return blobs[numParam]

    # Shapes and costs

    @raises_cv2_error
    def getLayersShapes(
        self, netInputShape: Any
    ) -> tuple[Array, tuple[tuple[Array, ...], ...], tuple[tuple[Array, ...], ...]]:
        """Ids, and the shapes of each layer's inputs and outputs, for the net's input shapes."""
        found = self._shapes(netInputShape)
        ids = np.arange(len(found), dtype=np.int32)
        return (
            ids,
            tuple(_arrays(shapes.inputs) for shapes in found),
            tuple(_arrays(shapes.outputs) for shapes in found),
        )

    @raises_cv2_error
    def getLayerShapes(
        self, netInputShape: Any, layerId: int
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """The shapes of one layer's inputs and outputs."""
        shapes = self._shapes(netInputShape)[self._node(layerId).id]
        return _arrays(shapes.inputs), _arrays(shapes.outputs)

    def _shapes(self, given: Any) -> list[LayerShapes]:
        shapes = [given] if len(given) and np.ndim(given[0]) == 0 else list(given)
        shapes = [tuple(int(size) for size in shape) for shape in shapes]
        if len(shapes) != len(self._graph.input_names):
            raise UsageError(
                f"the net has {len(self._graph.input_names)} inputs, got {len(shapes)} shapes"
            )
        return layer_shapes(self._graph, shapes, self._device)

    @raises_cv2_error
    def getFLOPS(self, *args: Any) -> int:
        """`getFLOPS([layerId,] shape or shapes)`: operations of a forward pass, or of one layer."""
        nodes, found = self._costs(args)
        return sum(flops(node, found[node.id], self._params.get(node.name, [])) for node in nodes)

    @raises_cv2_error
    def getMemoryConsumption(self, *args: Any) -> tuple[int, int]:
        """`getMemoryConsumption([layerId,] shape or shapes)`: bytes of weights and of outputs."""
        nodes, found = self._costs(args)
        pairs = [memory(found[node.id], self._params.get(node.name, [])) for node in nodes]
        return sum(weights for weights, _ in pairs), sum(blobs for _, blobs in pairs)

    def _costs(self, args: tuple[Any, ...]) -> tuple[list[Node], list[LayerShapes]]:
        if len(args) not in (1, 2):
            raise UsageError("takes the input's shape, or a layer's id and the shape")
        nodes = self._graph.nodes if len(args) == 1 else [self._node(args[0])]
        return nodes, self._shapes(args[-1])

    def input_names(self) -> tuple[str, ...]:
        """The names of the net's inputs, in their order."""
        return tuple(self._graph.input_names)

    def declared_shapes(self) -> list[Shape]:
        """The shapes that the definition gives the net's inputs; () where it gives none."""
        return list(self._graph.input_shapes)


def _arrays(shapes: Sequence[Shape]) -> tuple[Array, ...]:
    return tuple(np.array(shape, np.int32) for shape in shapes)
