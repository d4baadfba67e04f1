"""Decide what backward computes: which layers run it, and for which bottoms."""

from collections.abc import Sequence
from dataclasses import dataclass

from caffe_lite.layers.base import Layer
from caffe_lite.nets.wiring import Wiring


@dataclass
class BackwardPlan:
    """Which layers run backward, and the `propagate_down` of each."""

    layers: list[bool]
    bottoms: list[list[bool]]


def plan_backward(wiring: Wiring, layers: Sequence[Layer], force: bool) -> BackwardPlan:
    """Decide what backward computes.

    Gradients flow from the losses to the learned blobs whose learning rate is not zero (each
    layer's `param_propagate_down`), through the bottoms that `propagate_down` leaves open. `force`
    (force_backward) asks for the gradient of every bottom that can have one and of every learned
    blob; it sets `param_propagate_down`.
    """
    plan = _needed_by_params(wiring, layers)
    _keep_what_reaches_a_loss(wiring, layers, plan)
    if force:
        for i, (node, layer) in enumerate(zip(wiring.nodes, layers, strict=True)):
            plan.layers[i] = True
            possible = takes_gradient(layer, len(node.bottom))
            plan.bottoms[i] = [a or b for a, b in zip(plan.bottoms[i], possible, strict=True)]
            layer.param_propagate_down = [True] * len(layer.blobs)
    return plan


def takes_gradient(layer: Layer, bottoms: int) -> list[bool]:
    """For each of `bottoms` bottoms, whether it can have a gradient; a label, say, cannot."""
    return [i not in layer.no_gradient for i in range(bottoms)]


def why_nothing_to_do(plan: BackwardPlan, layers: Sequence[Layer]) -> str:
    """The reason why no layer runs backward, with the remedy; "" if one does."""
    if any(plan.layers):
        return ""
    if not any(any(layer.loss_weight) for layer in layers):
        return (
            "the net has no loss; add a loss layer, give a top a loss_weight, or set "
            "force_backward: true and write the diffs of the outputs"
        )
    return (
        "no learned blob below a loss has an lr_mult other than 0; set force_backward: true for "
        "the gradients of the inputs"
    )


def _needed_by_params(wiring: Wiring, layers: Sequence[Layer]) -> BackwardPlan:
    """What lies between a learned blob and the end of the net, losses not yet considered."""
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


def _keep_what_reaches_a_loss(wiring: Wiring, layers: Sequence[Layer], plan: BackwardPlan) -> None:
    """Drop, from the last layer to the first, what no loss depends on or `propagate_down` cuts off.

    Blobs are identified by name, as in Caffe: an in-place layer's bottom and top are one.
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
