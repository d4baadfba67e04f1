"""Connect the layers of a net: which blob each bottom and top is."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from caffe_lite.errors import LayerError, ModelError
from caffe_lite.layers.base import Bounds, Layer
from caffe_lite.layers.registry import layer_class
from caffe_lite.proto.files import StrPath
from caffe_lite.proto.places import type_place
from caffe_lite.types import LayerParameter, NetParameter

AUTOMATIC = "(automatic)"  # the name of a top that the layer needs and the prototxt leaves out


@dataclass
class Node:
    """A layer to be built; `bottom` and `top` are positions in `Wiring.blob_names`."""

    param: LayerParameter
    cls: type[Layer]
    bottom: list[int] = field(default_factory=list)
    top: list[int] = field(default_factory=list)


@dataclass
class Wiring:
    """Nodes in order of execution, and the blobs between them.

    `inputs` and `outputs` are positions in `blob_names`: the tops of Input layers, and the tops
    that no layer takes, sorted by name.
    """

    nodes: list[Node] = field(default_factory=list)
    blob_names: list[str] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)


def wire(net: NetParameter, source: StrPath | None = None) -> Wiring:
    """Wire a NetParameter that is filtered and has its splits; `source` is the file it is from.

    Raises LayerError for an unknown type, and ModelError for a blob that two layers make, or a
    wrong number of bottoms or tops.
    """
    wiring = Wiring()
    index_of: dict[str, int] = {}
    maker: dict[str, str] = {}
    unused: set[str] = set()
    split_from = _split_sources(net)
    for param in net.layer:
        node = Node(param, _class_of(param, source))
        for name in param.bottom:
            node.bottom.append(index_of[name])
            unused.discard(name)
        for j, name in enumerate(param.top):
            if not _in_place(node, j, split_from):
                if name in index_of:
                    raise ModelError(
                        f'blob "{name}" is a top of layer "{maker[name]}" and of layer '
                        f'"{param.name}"; give one of them another name'
                    )
                index_of[name] = len(wiring.blob_names)
                wiring.blob_names.append(name)
                maker[name] = param.name
            node.top.append(index_of[name])
            unused.add(name)
            if param.type == "Input":
                wiring.inputs.append(index_of[name])
        if node.cls.auto_tops:
            for _ in range(node.cls.tops[0] - len(param.top)):
                node.top.append(len(wiring.blob_names))
                wiring.blob_names.append(AUTOMATIC)
        _check_counts(node, split_from)
        wiring.nodes.append(node)
    wiring.outputs = [index_of[name] for name in sorted(unused)]
    return wiring


def _split_sources(net: NetParameter) -> dict[str, str]:
    """By top of the Split layers that `insert_splits` added, the blob that was split."""
    return {
        top: layer.bottom[0]
        for layer in net.layer
        if layer.type == "Split"
        for k, top in enumerate(layer.top)
        if top == f"{layer.name}_{k}"
    }


def _class_of(param: LayerParameter, source: StrPath | None) -> type[Layer]:
    try:
        return layer_class(param.type, param)
    except LayerError as error:
        place = "" if source is None else type_place(source, param.name, param.type)
        raise LayerError(f'{place}layer "{param.name}": {error}') from error


def _fail(node: Node, text: str) -> ModelError:
    return ModelError(f'layer "{node.param.name}" ({node.param.type}): {text}')


def _in_place(node: Node, j: int, split_from: dict[str, str]) -> bool:
    """Whether top j is bottom j; ModelError if the layer cannot work in place there."""
    name = node.param.top[j]
    bottom = node.param.bottom[j] if j < len(node.param.bottom) else ""
    if name not in (bottom, split_from.get(bottom)):
        return False
    if not node.cls.in_place:
        raise _fail(node, f'cannot work in place; give its top "{name}" another name')
    if name != bottom:
        raise _fail(
            node,
            f'cannot work in place on "{name}", which another layer takes as well; '
            "give its top another name",
        )
    return True


def _check_counts(node: Node, split_from: dict[str, str]) -> None:
    param = node.param
    for what, bounds, names in (
        ("bottom", node.cls.bottoms, param.bottom),
        ("top", node.cls.tops, [*param.top, *[AUTOMATIC] * (len(node.top) - len(param.top))]),
    ):
        fewest, most = bounds
        if len(names) < fewest or (most is not None and len(names) > most):
            raise _fail(
                node,
                f"takes {_range(bounds)} {what} blob{'s' * (bounds != (1, 1))}, got "
                f"{len(names)}{_listed(split_from.get(name, name) for name in names)}",
            )
    if param.propagate_down and len(param.propagate_down) != len(param.bottom):
        raise _fail(
            node,
            f"propagate_down must be given once per bottom ({len(param.bottom)}) or "
            f"not at all, got {len(param.propagate_down)}",
        )
    if param.loss_weight and len(param.loss_weight) != len(node.top):
        raise _fail(
            node,
            f"loss_weight must be given once per top ({len(node.top)}) or not at "
            f"all, got {len(param.loss_weight)}",
        )


def _range(bounds: Bounds) -> str:
    fewest, most = bounds
    if most is None:
        return f"at least {fewest}"
    return f"{fewest}" if fewest == most else f"{fewest} to {most}"


def _listed(names: Iterable[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return f" ({listed})" if listed else ""
