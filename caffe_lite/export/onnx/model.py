"""From a net to an ONNX model: its layers translated one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from caffe_lite.errors import CaffeError
from caffe_lite.export.formats import Job
from caffe_lite.export.free_axes import FreeAxis, free_axes, varying_axes
from caffe_lite.export.onnx.builder import Graph, Tensor
from caffe_lite.export.onnx.preprocess import preprocessed
from caffe_lite.export.onnx.registry import translator
from caffe_lite.export.onnx.site import CarriedState, Site
from caffe_lite.nets.net import Net
from caffe_lite.nets.wiring import AUTOMATIC, Node

MOST_BYTES = 2**31 - 1  # of a protobuf message


def build(job: Job) -> Any:
    """The ONNX model of a net. Raises ModelError for a layer without an exact translation."""
    return _Builder(job).build()


def exported_axes(net: Net) -> list[FreeAxis]:
    """The free axes of the net that are free in its model, too: no translator wants them fixed.

    Raises ModelError for a layer without an exact translation.
    """
    fixed = {
        (net.wiring.blob_names[b := node.bottom[bottom]], axis % len(net.blob_list[b].shape))
        for node, layer in zip(net.wiring.nodes, net.layers, strict=True)
        if layer.type != "Input"
        for bottom, axes in translator(layer).fixed(layer)
        for axis in axes
    }
    return [axis for axis in free_axes(net) if not axis.moved & fixed]


@dataclass
class _Builder:
    job: Job
    free: dict[str, set[int]] = field(default_factory=dict)  # by blob, its free axes
    carried: list[CarriedState] = field(default_factory=list)
    titles: set[str] = field(default_factory=set)  # of nodes, that are names of layers

    def build(self) -> Any:
        net = self.net = self.job.net
        self.graph = Graph(self.job.options.opset or 17)
        self.axes = exported_axes(net)
        self.free = {name: set() for name in net.blobs}
        for name, axis in varying_axes(net).union(*(axis.moved for axis in self.axes)):
            self.free[name].add(axis)
        for name in (*net.inputs, *net.blobs, *net.layer_names):
            self.graph.reserve(name)
        self.values: list[Tensor] = [""] * len(net.blob_list)
        self.weights = _weight_names(net)
        for position, node in enumerate(net.wiring.nodes):
            self._translate(position, node)
        self._name_blobs()
        return self._model()

    def _translate(self, position: int, node: Node) -> None:
        net, graph = self.net, self.graph
        layer = net.layers[position]
        names = net.wiring.blob_names
        graph.prefix = layer.name
        if layer.type == "Input":
            for index in node.top:
                self.values[index] = self._input(names[index])
            return
        site = Site(
            graph,
            layer,
            [self.values[b] for b in node.bottom],
            [net.blob_list[b].shape for b in node.bottom],
            [net.blob_list[t].shape for t in node.top],
            [self.free[names[b]] for b in node.bottom],
            [self.free.get(names[t], set()) for t in node.top],
            self.weights[position],
            (net.bottom_vecs[position], net.top_vecs[position]),
            self.job.options.one_sequence,
        )
        first = len(graph.nodes)
        tops = translator(layer).function(site)
        self.carried += site.carried
        for made in graph.nodes[first:]:
            if tops and tops[0] in made.output and layer.name not in self.titles:
                made.name = layer.name  # if several layers have the name, the first one's node
                self.titles.add(layer.name)
        for index, value in zip(node.top, tops, strict=True):
            self.values[index] = value

    def _input(self, name: str) -> Tensor:
        options = self.job.options.preprocess
        shape = self.net.blobs[name].shape
        if options and name == next(iter(self.net.inputs)):
            return preprocessed(self.graph, options, name, shape, self.free[name])
        return name

    def _name_blobs(self) -> None:
        """Give the values of blobs the names of the blobs."""
        net, graph = self.net, self.graph
        makers = {output: made for made in graph.nodes for output in made.output}
        named: dict[Tensor, str] = {}
        kept = _own_blobs(net)
        graph.prefix = ""
        for index, name in enumerate(net.wiring.blob_names):
            value = self.values[index]
            if name not in kept or name in net.inputs:
                continue
            if value in named or value not in makers:
                value = graph.add("Identity", value)
                makers[value] = graph.nodes[-1]
            named[value] = name
        for state in self.carried:
            named[state.output] = state.next_name
        for made in graph.nodes:
            for names in (made.input, made.output):
                for i, value in enumerate(names):
                    if value in named:
                        names[i] = named[value]

    def _model(self) -> Any:
        from onnx import TensorProto, checker, helper

        graph, net, options = self.graph, self.net, self.job.options
        float32 = TensorProto.FLOAT
        inputs = [
            helper.make_tensor_value_info(name, float32, self._dims(name)) for name in net.inputs
        ]
        outputs = [
            helper.make_tensor_value_info(name, float32, self._dims(name))
            for name in self.job.inference.outputs
        ]
        for state in self.carried:
            given: list[int | str | None] = [1, f"{state.name}_streams", state.units]
            inputs.append(helper.make_tensor_value_info(state.name, float32, given))
            graph.constants[state.name] = np.zeros((1, 1, state.units), np.float32)
            made = [1, None, state.units]
            outputs.append(helper.make_tensor_value_info(state.next_name, float32, made))
        size = sum(array.nbytes for array in graph.constants.values())
        if size > MOST_BYTES:
            raise CaffeError(f"the weights take {size} bytes; an ONNX file holds {MOST_BYTES}")
        model = helper.make_model(
            helper.make_graph(
                graph.nodes, net.name or "net", inputs, outputs, graph.initializers()
            ),
            opset_imports=[helper.make_opsetid("", graph.opset)],
            ir_version=helper.OP_SET_ID_VERSION_MAP[("ai.onnx", graph.opset)],
            producer_name="caffe_lite",
            producer_version=_version(),
        )
        helper.set_model_props(model, {"checked": "yes" if options.checked else "no"})
        checker.check_model(model)
        return model

    def _dims(self, blob: str) -> list[int | str | None]:
        """The shape of a blob, with names for sizes that are free: those of inputs' axes."""
        shape = self.net.blobs[blob].shape
        return [
            self._dim(blob, axis, size) if axis in self.free[blob] else size
            for axis, size in enumerate(shape)
        ]

    def _dim(self, blob: str, axis: int, size: int) -> str | None:
        movers = [each for each in self.axes if (blob, axis) in each.moved]
        if len(movers) == 1 and movers[0].size == size:
            return movers[0].name
        return None


def _weight_names(net: Net) -> list[list[str]]:
    """Names of the learned blobs of each layer; a shared one has that of its first owner."""
    first: dict[int, str] = {}
    return [
        [
            first.setdefault(blob.buffer_ids[0], f"{layer.name}.{i}")
            for i, blob in enumerate(layer.blobs)
        ]
        for layer in net.layers
    ]


def _own_blobs(net: Net) -> set[str]:
    """The blobs of the net but the copies that were added where several layers take one."""
    copies = {
        top
        for node in net.wiring.nodes
        if node.param.type == "Split"
        for k, top in enumerate(node.param.top)
        if top == f"{node.param.name}_{k}"
    }
    return set(net.blobs) - copies - {AUTOMATIC}


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("caffe_lite")
    except metadata.PackageNotFoundError:
        return ""
