"""The shapes and memory of a net's layers, as OpenCV counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from caffe_lite.backend import Ops
from caffe_lite.dnn.definition import definition_of
from caffe_lite.dnn.graph import Graph, Node
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema
from caffe_lite.types import Array, Shape

FLOAT = 4  # bytes of a number


@dataclass(frozen=True)
class LayerShapes:
    """Shapes of what goes into a layer and comes out of it."""

    inputs: list[Shape]
    outputs: list[Shape]


def layer_shapes(graph: Graph, inputs: Sequence[Shape], ops: Ops) -> list[LayerShapes]:
    """The shapes of all layers, by id, for inputs of these shapes. Allocates nothing."""
    pins = [(node.id, i) for node in graph.nodes[1:] for i in range(len(node.outputs))]
    definition = definition_of(graph, pins, inputs, {}, keep_all=True)
    with Net(definition.net, schema.TEST, ops, seed=0) as net:
        found = [LayerShapes(list(inputs), list(inputs))]
        for node in graph.nodes[1:]:
            if node.outputs or node.inputs:
                outputs = [(node.id, i) for i in range(len(node.outputs))]
                shapes = [
                    [
                        net.blobs[definition.blobs[pin]].shape
                        for pin in side
                        if pin in definition.blobs
                    ]
                    for side in (node.inputs, outputs)
                ]
                found.append(LayerShapes(shapes[0], _as_listed(node, shapes)))
            else:
                found.append(LayerShapes([], []))
    return found


def _as_listed(node: Node, shapes: list[list[Shape]]) -> list[Shape]:
    if node.type == "Silence":
        return shapes[0][:1]
    if node.type == "Scale" and not node.outputs:  # the first half of an Axpy
        return shapes[0][:1]
    keep = node.param.detection_output_param.keep_top_k
    if node.type == "DetectionOutput" and keep > 0:
        return [(1, 1, shapes[0][0][0] * keep, 7)]
    return shapes[1] * (node.output_count if len(shapes[1]) == 1 else 1)


def memory(shapes: LayerShapes, blobs: Sequence[Array]) -> tuple[int, int]:
    """Bytes of a layer's learned blobs, and of its outputs."""
    return (
        FLOAT * sum(values.size for values in blobs),
        FLOAT * sum(prod(shape) for shape in shapes.outputs),
    )
