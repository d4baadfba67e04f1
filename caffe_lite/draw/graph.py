"""A net as a graph of boxes: layers, with those that work in place attached to their makers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from caffe_lite.draw.facts import facts_of, kind_of
from caffe_lite.errors import CaffeError, ModelError
from caffe_lite.nets.describe import describe
from caffe_lite.nets.graph import filter_net, with_state
from caffe_lite.proto import schema, text
from caffe_lite.types import LayerParameter, NetParameter, Shape

PHASES = ("TRAIN", "TEST", "ALL")
AnyShape = tuple[int | None, ...]


@dataclass
class Part:
    """A layer in a box: `kind` decides its colour, `only` is the phase that alone has it."""

    param: LayerParameter
    kind: str
    facts: str
    only: str = ""
    shares: dict[str, str] = field(default_factory=dict)  # name of weights: layer that owns them

    @property
    def name(self) -> str:
        return self.param.name


@dataclass
class Box:
    """A layer and those that work on its top in place, in order; `tops` are what it makes."""

    key: str
    parts: list[Part]
    tops: list[str]


@dataclass(frozen=True)
class Line:
    """A blob from the box that makes it to one that takes it."""

    start: str
    end: str
    blob: str


@dataclass
class Graph:
    """Boxes in order of execution, lines between them, and the shapes of blobs where known."""

    name: str
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    shapes: dict[str, AnyShape] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def size(self, blob: str) -> str:
        """The shape of a blob for people, such as 10×3×?×?; "" if it is not known."""
        shape = self.shapes.get(blob)
        if shape is None:
            return ""
        return "×".join("?" if side is None else str(side) for side in shape) or "scalar"

    def label(self, box: Box, blob: str) -> str:
        """What is written on the lines of a blob: its name, unless it is the layer's; its shape."""
        name = "" if blob == box.parts[0].name else blob
        return "  ".join(filter(None, (name, self.size(blob))))


def net_graph(
    net: NetParameter,
    phase: str = "TRAIN",
    level: int = 0,
    stages: Iterable[str] = (),
    shapes: Mapping[str, Shape] | None = None,
    source: str | None = None,
) -> Graph:
    """The graph of a net in a phase, or of all its layers with "ALL".

    `shapes` are shapes of inputs by name. Shapes that cannot be found are left out, and `notes`
    says why. Raises ModelError for a net without layers.
    """
    stages = list(stages)
    phases = ("TRAIN", "TEST") if phase == "ALL" else (phase,)
    found: list[tuple[LayerParameter, set[str]]] = []
    graph = Graph(net.name)
    for each in phases:
        state = with_state(net, getattr(schema, each), level, stages)
        _merge(found, filter_net(state).layer, each)
        try:
            described = describe(state, shapes or {}, source)
        except CaffeError as error:
            graph.notes.append(f"shapes in phase {each} are not known: {error}")
            continue
        for row in described.rows:
            for top, shape in row.tops.items():
                graph.shapes.setdefault(top, shape)
    if not found:
        raise ModelError(f'net "{net.name}" has no layers in the phase {phase}')
    _connect(graph, _in_order(found, net), phases)
    _note_shared_weights(graph)
    return graph


def _merge(
    found: list[tuple[LayerParameter, set[str]]], layers: Iterable[LayerParameter], phase: str
) -> None:
    """Add a phase's layers; one that is the same in both phases is there once."""
    for layer in layers:
        same = [phases for known, phases in found if known == layer and phase not in phases]
        if same:
            same[0].add(phase)
        else:
            found.append((layer, {phase}))


def _in_order(
    found: list[tuple[LayerParameter, set[str]]], net: NetParameter
) -> list[tuple[LayerParameter, set[str]]]:
    """The layers in the order in which the net has them; of equal names, the first."""
    place = {each.SerializeToString(): i for i, each in reversed(list(enumerate(net.layer)))}
    names = {each.name: i for i, each in reversed(list(enumerate(net.layer)))}
    return sorted(
        found,
        key=lambda pair: place.get(pair[0].SerializeToString(), names.get(pair[0].name, 0)),
    )


def _connect(
    graph: Graph, found: list[tuple[LayerParameter, set[str]]], phases: tuple[str, ...]
) -> None:
    makers: dict[str, list[tuple[Box, set[str]]]] = {}
    taken: set[str] = set()
    for number, (layer, among) in enumerate(found):
        only = "" if len(among) == len(phases) else min(among)
        part = Part(layer, kind_of(layer), facts_of(layer), only)
        box = _box_before(layer, makers, taken)
        if box is not None and len(among) == len(phases):
            box.parts.append(part)
            continue
        box = Box(f"{number}", [part], list(layer.top))
        graph.boxes.append(box)
        for blob in dict.fromkeys(layer.bottom):
            taken.add(blob)
            for maker, present in makers.get(blob, []):
                if present & among:
                    graph.lines.append(Line(maker.key, box.key, blob))
        for blob in layer.top:
            others = [(b, p - among) for b, p in makers.get(blob, []) if p - among]
            makers[blob] = [*others, (box, among)]
            taken.discard(blob)


def _box_before(
    layer: LayerParameter, makers: Mapping[str, list[tuple[Box, set[str]]]], taken: set[str]
) -> Box | None:
    """The box that an in-place layer is attached to: its blob has one maker and no other use."""
    if len(layer.bottom) != 1 or list(layer.top) != list(layer.bottom):
        return None
    made = makers.get(layer.bottom[0], [])
    return made[0][0] if len(made) == 1 and layer.bottom[0] not in taken else None


def _note_shared_weights(graph: Graph) -> None:
    owners: dict[str, str] = {}
    for box in graph.boxes:
        for part in box.parts:
            for spec in part.param.param:
                if spec.name:
                    owner = owners.setdefault(spec.name, part.name)
                    if owner != part.name:
                        part.shares[spec.name] = owner


def prototxt(part: Part) -> str:
    """The layer's definition as text."""
    net = schema.NetParameter(layer=[part.param])
    return text.format(net)
