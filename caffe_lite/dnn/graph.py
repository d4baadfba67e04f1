"""The layers of a definition as OpenCV counts, names and connects them.

OpenCV's net differs from Caffe's. Layer 0, `_input`, has all inputs as its outputs. Every other
layer has an id by its place, and a name of its own: a name that is there already gets `_1`, `_2`
and so on. A Convolution is an exception: it becomes a layer for each of its tops, of the top's
name. Layers never share a blob, so a layer that works in place has an output of its own, and
outputs are asked for by the name of the layer that makes them, not of the blob. There are no Split
layers, and rules (`include`, `exclude`) are not read.

Source: opencv/opencv (4.14), modules/dnn/src/caffe/caffe_importer.cpp
"""

from collections import Counter
from dataclasses import dataclass, field

from caffe_lite.errors import ModelError, did_you_mean
from caffe_lite.proto import schema
from caffe_lite.types import LayerParameter, Shape

Pin = tuple[int, int]  # a layer's id, and which of its outputs

INPUT_NAME, INPUT_TYPE = "_input", "__NetInputLayer__"


@dataclass
class Node:
    """A layer: where its inputs come from, and the names that its outputs have as blobs."""

    id: int
    name: str
    type: str
    param: LayerParameter
    source: str  # the layer's name in the definition, by which its weights are found
    inputs: list[Pin] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    taken: bool = False  # whether another layer takes an output

    @property
    def output_count(self) -> int:
        """How many outputs OpenCV gives the layer.

        A MAX pooling at the end of a net also has the places of its values.
        """
        param = self.param.pooling_param
        is_max = self.type == "Pooling" and param.pool == schema.PoolingParameter.MAX
        return max(len(self.outputs), 2 if is_max and not self.taken else 1)


@dataclass
class Graph:
    """The layers by id, from 0, and the net's inputs with the shapes that the definition gives.

    A shape is () where the definition gives none.
    """

    name: str
    nodes: list[Node] = field(default_factory=list)
    input_names: list[str] = field(default_factory=list)
    input_shapes: list[Shape] = field(default_factory=list)

    def id_of(self, name: str) -> int:
        """The id of the layer of this name; -1 if there is none."""
        return self._ids.get(name, -1)

    def __post_init__(self) -> None:
        self._ids = {node.name: node.id for node in self.nodes}
        self._repeats: Counter[str] = Counter()
        self._blobs: dict[str, Pin] = {}
        if not self.nodes:
            self.add(INPUT_NAME, INPUT_TYPE, schema.LayerParameter())

    def add(self, name: str, type_: str, param: LayerParameter) -> Node:
        """Append a layer, under `name` or, if that is taken, `name_1`, `name_2` ..."""
        repeats = self._repeats[name]
        self._repeats[name] += 1
        return self.add_named(f"{name}_{repeats}" if repeats else name, type_, param, name)

    def add_named(self, name: str, type_: str, param: LayerParameter, source: str) -> Node:
        """Append a layer under this very name; ModelError if it is taken."""
        if name in self._ids:
            raise ModelError(
                f'layer "{source}": OpenCV calls it "{name}", which is the name of another layer; '
                "rename one of them"
            )
        node = Node(len(self.nodes), name, type_, param, source)
        self.nodes.append(node)
        self._ids[name] = node.id
        return node

    def take_name(self, name: str) -> None:
        """Count a name that a layer of the definition has, and no layer here."""
        self._repeats[name] += 1

    def connect(self, node: Node, blob: str) -> None:
        """Make the last output that is named `blob` the next input of `node`."""
        if blob not in self._blobs:
            raise ModelError(
                f'layer "{node.name}" ({node.type}): bottom "{blob}" is not a top of any layer '
                f"before it{did_you_mean(blob, self._blobs)}"
            )
        self.connect_pin(node, self._blobs[blob])

    def connect_pin(self, node: Node, pin: Pin) -> None:
        """Make an output the next input of `node`."""
        node.inputs.append(pin)
        self.nodes[pin[0]].taken = True

    def give(self, node: Node, blob: str, in_place: bool = False) -> None:
        """Name the next output of `node`; ModelError if another layer makes a blob of the name."""
        if blob in self._blobs and not in_place:
            maker = self.nodes[self._blobs[blob][0]].name
            raise ModelError(
                f'blob "{blob}" is a top of layer "{maker}" and of layer "{node.name}"; '
                "give one of them another name"
            )
        self._blobs[blob] = (node.id, len(node.outputs))
        node.outputs.append(blob)

    def add_input(self, blob: str, shape: Shape) -> None:
        """Add an input of the net."""
        self.give(self.nodes[0], blob)
        self.input_names.append(blob)
        self.input_shapes.append(shape)


def axpy_inputs(graph: Graph, node: Node) -> list[Pin]:
    """a, x and y as the layer that computes a x + y takes them, for the second of the two."""
    product, added = node.inputs
    scaled, factor = graph.nodes[product[0]].inputs
    return [factor, scaled, added]
