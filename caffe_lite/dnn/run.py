"""A net that is built for some outputs of a graph, and its forward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter_ns

import numpy as np

from caffe_lite.backend import Ops
from caffe_lite.blob import Blob
from caffe_lite.dnn.definition import definition_of
from caffe_lite.dnn.graph import Graph, Node, Pin
from caffe_lite.errors import ModelError
from caffe_lite.layers.base import Layer
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs

DETECTION = 7  # columns of a detection: image, label, score, box


class Run:
    """The layers that the outputs `wanted` need, built once and run again and again.

    `inputs` are blobs of the caller, one for each input of the graph. From the first forward on
    they have the memory of this net's inputs, unless another run takes them over. `params` has the
    learned blobs of layers, by name. Raises ModelError for a layer that lacks them, or has others.
    """

    def __init__(
        self,
        graph: Graph,
        wanted: Sequence[Pin],
        inputs: Sequence[Blob],
        params: Mapping[str, list[Array]],
        ops: Ops,
    ) -> None:
        definition = definition_of(graph, wanted, [blob.shape for blob in inputs], params)
        self.nodes = definition.layers
        self.net = Net(definition.net, schema.TEST, ops, seed=0)
        self._load(params)
        for layer in self.net.layers:
            if layer.type == "Proposal":
                _fill_up(layer)
        self.net.optimize()
        self._given = list(inputs)
        self._inputs = [self.net.blobs[definition.blobs[0, i]] for i in range(len(inputs))]
        self._outputs = [
            (self.net.blobs[definition.blobs[pin]], graph.nodes[pin[0]]) for pin in wanted
        ]
        self._ops = ops
        # OpenCV subtracts the mean of the images at hand, FlowNet that of the first it has seen.
        self._counts = [
            layer.blobs[0] for layer in self.net.layers if layer.type == "DataAugmentation"
        ]

    def _load(self, params: Mapping[str, list[Array]]) -> None:
        sources = {node.name: node for node in self.nodes}
        for layer in self.net.layers:
            if not layer.blobs:
                continue
            node = sources[layer.name]
            if node.type == "MVN":  # a BatchNorm of the image's own statistics
                continue
            given = params.get(layer.name, [])
            if len(given) != len(layer.blobs):
                raise ModelError(
                    f'layer "{layer.name}" ({node.type}): has {len(given)} of its '
                    f"{len(layer.blobs)} learned blobs; give the caffemodel that belongs to the net"
                )
            for i, (blob, values) in enumerate(zip(layer.blobs, given, strict=True)):
                if values.size != blob.count and _is_unused(node, i):
                    continue
                if values.size != blob.count:
                    raise ModelError(
                        f'layer "{layer.name}" ({node.type}): learned blob {i} has shape '
                        f"{values.shape}, and {blob.shape} is needed; give the caffemodel that "
                        "belongs to the net, and an input of its number of channels"
                    )
                blob.load(values.reshape(blob.shape))

    def forward(self) -> list[Array]:
        """Run the net on what the inputs hold; returns copies of the outputs, as host arrays."""
        for mine, given in zip(self._inputs, self._given, strict=True):
            mine.reshape(*given.shape)
            if mine.buffer_ids[0] != given.buffer_ids[0]:
                mine.data[...] = given.data
                given.share_data(mine)
        for count in self._counts:
            count.data[...] = 0
        self.net.forward()
        return [self._value(blob, node) for blob, node in self._outputs]

    def _value(self, blob: Blob, node: Node) -> Array:
        values = np.array(self._ops.to_host(blob.data))
        if values.ndim < 2:
            return values.reshape(-1, 1)  # arrays of OpenCV have at least two axes
        if node.type == "DetectionOutput":
            images = self.net.bottom_vecs[self.net.layer_index(node.name)][0].shape[0]
            values = detections(values, images, node.param.detection_output_param.keep_top_k)
        return values

    def times(self) -> dict[str, int]:
        """Nanoseconds that each layer takes, by name, in one more forward pass."""
        started: list[int] = []
        found: dict[str, int] = {}

        def begin(_: int) -> None:
            started[:] = [perf_counter_ns()]

        def end(i: int) -> None:
            self._ops.synchronize()
            found[self.net.layers[i].name] = perf_counter_ns() - started[0]

        self.net.before_forward.append(begin)
        self.net.after_forward.append(end)
        try:
            self.net.forward()
        finally:
            self.net.before_forward.clear()
            self.net.after_forward.clear()
        return found


def _is_unused(node: Node, i: int) -> bool:
    """Whether blob `i` may be of another size than the net's: a mean image, computed anew."""
    return node.type == "DataAugmentation" and i == 1


def _fill_up(layer: Layer) -> None:
    """Let a Proposal layer give `post_nms_topn` regions: zeros follow those that it finds."""
    find, count = layer.forward, layer.param.proposal_param.post_nms_topn

    def forward(bottom: Blobs, top: Blobs) -> None:
        find(bottom, top)
        for blob in top:
            found = blob.data.copy().reshape(blob.shape[0], -1)
            blob.reshape(max(count, len(found)), found.shape[1])
            blob.data[: len(found)] = found
            blob.data[len(found) :] = 0

    layer.forward = forward  # type: ignore[method-assign]


def detections(rows: Array, images: int, keep: int) -> Array:
    """Rows of detections (1, 1, K, 7), by image and label, as OpenCV lists them.

    There they go by image and descending score, and rows of zeros follow up to `keep` for each
    image; without a limit (`keep` below 1) there are none.
    """
    found = rows.reshape(-1, DETECTION)
    found = found[found[:, 1] >= 0]
    found = found[np.lexsort((-found[:, 2], found[:, 0]))]
    listed = np.zeros((1, 1, max(images * keep, len(found)), DETECTION), rows.dtype)
    listed[0, 0, : len(found)] = found
    return listed
