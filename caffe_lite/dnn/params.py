"""The learned blobs of a net's layers, as the caffemodel has them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from caffe_lite.dnn.graph import Graph, Node
from caffe_lite.errors import UsageError
from caffe_lite.types import Array


class Params(Mapping[str, list[Array]]):
    """Blobs by layer name, read from the file when they are used; `set` and `replace` change them.

    Shapes are OpenCV's: an InnerProduct has (outputs, inputs) and a bias (1, outputs), and other
    blobs of one axis are columns (n, 1). Layers of one name have the same blobs.
    """

    def __init__(self, graph: Graph, weights: Mapping[str, list[Any]] | None) -> None:
        stored = weights or {}
        self._sources = {
            node.name: node
            for node in graph.nodes
            if stored.get(node.source) and node.type != "MVN"
        }
        self._stored = stored
        self._changed: dict[str, list[Array]] = {}

    def __getitem__(self, layer: str) -> list[Array]:
        if layer in self._changed:
            return list(self._changed[layer])
        return _blobs(self._sources[layer], self._stored)

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources | self._changed)

    def __len__(self) -> int:
        return len(self._sources | self._changed)

    def replace(self, layer: str, blobs: Sequence[Array]) -> None:
        """Give a layer other blobs, of any number and shapes."""
        self._changed[layer] = [np.array(values, np.float32) for values in blobs]

    def set(self, layer: str, i: int, values: Array) -> None:
        """Replace blob `i` of a layer; UsageError if it has no such blob or another size."""
        blobs = self.get(layer, [])
        if not 0 <= i < len(blobs):
            raise UsageError(f'layer "{layer}" has {len(blobs)} learned blobs, got number {i}')
        if values.size != blobs[i].size:
            raise UsageError(
                f'layer "{layer}": learned blob {i} has shape {blobs[i].shape}, got {values.shape}'
            )
        blobs[i] = values
        self.replace(layer, blobs)


def _blobs(node: Node, stored: Mapping[str, list[Any]]) -> list[Array]:
    found = [np.asarray(values, np.float32) for values in stored[node.source]]
    found = [values.reshape(-1, 1) if values.ndim == 1 else values for values in found]
    outputs = node.param.inner_product_param.num_output
    if node.type == "InnerProduct" and all(values.size % outputs == 0 for values in found):
        shapes = (outputs, -1), (1, outputs)
        found = [values.reshape(shape) for values, shape in zip(found, shapes, strict=False)]
    elif node.type == "BatchNorm" and _has_local_statistics(node):
        # What is left to do behind the layer that normalizes: mean 0, variance 1, factor 1.
        found = [np.zeros_like(found[0]), *map(np.ones_like, found[1:])]
    return found


def _has_local_statistics(node: Node) -> bool:
    param = node.param.batch_norm_param
    return bool(param.HasField("use_global_stats") and not param.use_global_stats)
