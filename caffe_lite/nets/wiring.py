"""Connect the layers of a net: which blob each bottom and top is, what backward must compute."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from caffe_lite.errors import LayerError, ModelError
from caffe_lite.layers.base import Bounds, Layer
from caffe_lite.layers.registry import layer_class
from caffe_lite.proto.files import StrPath
from caffe_lite.proto.places import type_place

AUTOMATIC = "(automatic)"  # the name of a top that the layer needs and the prototxt left out


@dataclass
class Node:
    """One layer's place in the net; `bottom` and `top` are indices of blobs."""

    param: Any
    cls: type[Layer]
    bottom: list[int] = field(default_factory=list)
    top: list[int] = field(default_factory=list)


@dataclass
class Wiring:
    """Nodes in order of execution, and the blobs between them."""

    nodes: list[Node] = field(default_factory=list)
    blob_names: list[str] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)


def wire(net: Any, source: StrPath | None = None) -> Wiring:
    """Wire a NetParameter that is filtered and has its splits; `source` is the file it is from.

    Raises ModelError for a blob made twice, LayerError for an unknown type or a wrong number of
    bottoms or tops.
    """
    wiring = Wiring()
    index_of: dict[str, int] = {}
    maker: dict[str, str] = {}
    unused: set[str] = set()
    copied = _copied_blobs(net)
    for param in net.layer:
        node = Node(param, _class_of(param, source))
        for name in param.bottom:
            node.bottom.append(index_of[name])
            unused.discard(name)
        for j, name in enumerate(param.top):
            if not _in_place(node, j, copied):
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
        _check_counts(node, copied)
        wiring.nodes.append(node)
    wiring.outputs = [index_of[name] for name in sorted(unused)]
    return wiring


def _copied_blobs(net: Any) -> dict[str, str]:
    """The blob behind each top of the Split layers that `insert_splits` put in."""
    return {
        top: layer.bottom[0]
        for layer in net.layer
        if layer.type == "Split"
        for k, top in enumerate(layer.top)
        if top == f"{layer.name}_{k}"
    }


def _class_of(param: Any, source: StrPath | None) -> type[Layer]:
    try:
        return layer_class(param.type, param)
    except LayerError as error:
        place = "" if source is None else type_place(source, param.name, param.type)
        raise LayerError(f'{place}layer "{param.name}": {error}') from error


def _fail(node: Node, text: str) -> ModelError:
    return ModelError(f'layer "{node.param.name}" ({node.param.type}): {text}')


def _in_place(node: Node, j: int, copied: dict[str, str]) -> bool:
    """Whether top j is to be bottom j; ModelError where it must not be."""
    name = node.param.top[j]
    bottom = node.param.bottom[j] if j < len(node.param.bottom) else ""
    if name not in (bottom, copied.get(bottom)):
        return False
    if not node.cls.in_place:
        raise _fail(node, f'cannot work in place; its top "{name}" must not be its bottom')
    if name != bottom:
        raise _fail(
            node,
            f'cannot work in place on "{name}", which another layer takes as well; '
            "give its top another name",
        )
    return True


def _check_counts(node: Node, copied: dict[str, str]) -> None:
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
                f"{len(names)}{_listed(copied.get(name, name) for name in names)}",
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


@dataclass
class BackwardPlan:
    """Which layers run backward, and for which bottoms they compute a gradient."""

    layers: list[bool]
    bottoms: list[list[bool]]


def plan_backward(wiring: Wiring, layers: list[Layer], force: bool) -> BackwardPlan:
    """Decide what backward computes.

    A gradient flows from a loss to learned blobs whose learning rate is not zero (each layer's
    `param_propagate_down`), along bottoms that `propagate_down` does not cut. `force` asks for the
    gradient of every bottom that can take one, and of every learned blob.
    """
    plan = _needed_by_params(wiring, layers)
    _cut_what_misses_the_loss(wiring, layers, plan)
    if force:
        for i, (node, layer) in enumerate(zip(wiring.nodes, layers, strict=True)):
            plan.layers[i] = True
            plan.bottoms[i] = [
                flag or j not in node.cls.no_gradient for j, flag in enumerate(plan.bottoms[i])
            ]
            layer.param_propagate_down = [True] * len(layer.blobs)
    return plan


def _needed_by_params(wiring: Wiring, layers: list[Layer]) -> BackwardPlan:
    plan = BackwardPlan([], [])
    blob_needs = [False] * len(wiring.blob_names)
    for node, layer in zip(wiring.nodes, layers, strict=True):
        needs = any(blob_needs[b] for b in node.bottom) or any(layer.param_propagate_down)
        plan.bottoms.append(list(node.param.propagate_down) or [blob_needs[b] for b in node.bottom])
        plan.layers.append(needs)
        if needs:
            for t in node.top:
                blob_needs[t] = True
    return plan


def _cut_what_misses_the_loss(wiring: Wiring, layers: list[Layer], plan: BackwardPlan) -> None:
    """From the last layer to the first: keep what reaches a loss and was not cut on the way.

    Blobs are told apart by name, as the reference does: an in-place layer's bottom and top are one.
    """
    under_loss: set[str] = set()
    skipped: set[str] = set()
    for i in range(len(layers) - 1, -1, -1):
        node, layer = wiring.nodes[i], layers[i]
        tops = [wiring.blob_names[t] for t in node.top]
        reaches_loss = any(layer.loss_weight) or any(name in under_loss for name in tops)
        if plan.layers[i] and all(name in skipped for name in tops):
            plan.layers[i] = False
            plan.bottoms[i] = [False] * len(node.bottom)
        if not reaches_loss:
            plan.layers[i] = False
        for j, b in enumerate(node.bottom):
            if reaches_loss:
                under_loss.add(wiring.blob_names[b])
            else:
                plan.bottoms[i][j] = False
            if not plan.bottoms[i][j]:
                skipped.add(wiring.blob_names[b])
