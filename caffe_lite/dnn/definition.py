"""The net that computes some outputs of a graph: a definition that `caffe_lite.Net` runs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from caffe_lite.dnn.custom import as_python_layer, is_custom
from caffe_lite.dnn.dialect import as_in_opencv
from caffe_lite.dnn.graph import Graph, Node, Pin, axpy_inputs
from caffe_lite.errors import LayerError
from caffe_lite.layers.registry import layer_class
from caffe_lite.proto import schema
from caffe_lite.types import Array, NetParameter, Shape

# Layers whose output is their input. Silence has one in OpenCV, for all that its name says.
_IDENTITIES = {"Dropout", "Split", "Silence"}
# Layers whose output lies in the memory of their input.
_VIEWS = {"Reshape", "Flatten", "Slice", "Input"}


@dataclass
class Definition:
    """A NetParameter, and the names of blobs in it by pin; `layers` has the nodes in its order."""

    net: NetParameter
    blobs: dict[Pin, str]
    layers: list[Node]


def definition_of(
    graph: Graph,
    wanted: Iterable[Pin],
    shapes: Sequence[Shape],
    params: Mapping[str, Sequence[Array]],
    keep_all: bool = False,
) -> Definition:
    """The layers that the outputs `wanted` need, with inputs of these shapes.

    `params` has their learned blobs. A layer works in place where no one else reads its input. With
    `keep_all` none does, and layers that only copy are there too, so that every blob has its own
    shape and values.
    """
    return _Writer(graph, list(wanted), shapes, params, keep_all).write()


class _Writer:
    def __init__(
        self,
        graph: Graph,
        wanted: list[Pin],
        shapes: Sequence[Shape],
        params: Mapping[str, Sequence[Array]],
        keep_all: bool,
    ) -> None:
        self._graph, self._shapes, self._keep_all = graph, shapes, keep_all
        self._params = params
        self._wanted = [self._source(pin) for pin in wanted]
        self._asked = wanted
        self._needed = self._ancestors()
        self._uses = self._count_uses()
        self._blobs: dict[Pin, str] = {}
        self._names: set[str] = set()

    def write(self) -> Definition:
        net: NetParameter = schema.NetParameter(name=self._graph.name)
        self._add_inputs(net)
        layers = []
        for node in self._graph.nodes[1:]:
            if node.id in self._needed:
                self._add_layer(net, node)
                layers.append(node)
        for pin in self._asked:
            self._blobs[pin] = self._blobs[self._source(pin)]
        return Definition(net, self._blobs, layers)

    def _source(self, pin: Pin) -> Pin:
        """Where the values of an output come from, past layers that only copy."""
        node = self._graph.nodes[pin[0]]
        while _is_identity(node) and node.inputs and not self._keep_all:
            pin = node.inputs[0]
            node = self._graph.nodes[pin[0]]
        return pin

    def _inputs(self, node: Node) -> list[Pin]:
        pins = axpy_inputs(self._graph, node) if _is_axpy(node) else node.inputs
        return [self._source(pin) for pin in pins]

    def _ancestors(self) -> set[int]:
        found: set[int] = set()
        open_ids = [pin[0] for pin in self._wanted]
        while open_ids:
            node = self._graph.nodes[open_ids.pop()]
            if node.id not in found:
                found.add(node.id)
                open_ids += [pin[0] for pin in self._inputs(node)]
        return found

    def _count_uses(self) -> Counter[Pin]:
        uses = Counter(self._wanted)
        for node in self._graph.nodes:
            if node.id in self._needed:
                uses.update(self._inputs(node))
        return uses

    def _name(self, pin: Pin, blob: str) -> str:
        """A name for a blob of its own: that of the definition, unless it is taken."""
        name, node = blob, self._graph.nodes[pin[0]].name
        if name in self._names:
            name = f"{node}:{pin[1]}"
        while name in self._names:
            name += "'"
        self._names.add(name)
        self._blobs[pin] = name
        return name

    def _add_inputs(self, net: NetParameter) -> None:
        for i, (blob, shape) in enumerate(zip(self._graph.input_names, self._shapes, strict=True)):
            layer = net.layer.add(name=blob, type="Input")
            layer.top.append(self._name((0, i), blob))
            layer.input_param.shape.add().dim.extend(shape)

    def _add_layer(self, net: NetParameter, node: Node) -> None:
        layer = net.layer.add()
        layer.CopyFrom(node.param)
        for name in ("bottom", "top", "include", "exclude", "param", "loss_weight", "blobs"):
            layer.ClearField(name)
        layer.name = node.name  # the type is Caffe's, not always the node's
        inputs = self._inputs(node)
        layer.bottom.extend(self._blobs[pin] for pin in inputs)
        names = list(node.outputs)
        if (node.id, len(names)) in self._wanted:  # the mask of a MAX pooling
            names.append(f"{node.name}_mask")
        for i, blob in enumerate(names):
            pin = (node.id, i)
            if i == 0 and self._in_place(node, inputs):
                self._blobs[pin] = self._blobs[inputs[0]]
            else:
                self._name(pin, blob)
            layer.top.append(self._blobs[pin])
        if is_custom(node.type):
            as_python_layer(layer)
        else:
            as_in_opencv(layer, node, len(self._params.get(node.name, [])))

    def _in_place(self, node: Node, inputs: list[Pin]) -> bool:
        if self._keep_all or not inputs or self._uses[inputs[0]] > 1 or is_custom(node.type):
            return False
        if inputs[0][0] == 0 or self._graph.nodes[inputs[0][0]].type in _VIEWS:
            return False
        try:
            return len(node.outputs) == 1 and layer_class(node.param.type, node.param).in_place
        except LayerError:
            return False


def _is_identity(node: Node) -> bool:
    # A Dropout of the R-CNN family scales when it is run, not when it is trained.
    return node.type in _IDENTITIES and node.param.dropout_param.scale_train


def _is_axpy(node: Node) -> bool:
    return node.param.type == "Axpy" and node.type == "Eltwise"
