"""Run a small net once, forward and backward, and keep every number after every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from caffe_lite.errors import UsageError
from caffe_lite.explain.derivatives import Derivatives
from caffe_lite.layers.base import Layer
from caffe_lite.layers.lstm import LSTM
from caffe_lite.nets.net import Net

MOST_NUMBERS = 2_000  # of one blob: more could not be told apart on a page
MOST_IN_ALL = 20_000  # entries that a gradient is checked at, each with two runs of the net


@dataclass
class Step:
    """One layer's forward or backward pass.

    `bottoms`, `tops` and `params` name blobs; learned blobs are "layer[0]", "layer[1]", ...
    `changes` has the arrays that the step wrote, by "data NAME" or "diff NAME"; `checks` the
    derivatives by finite differences of those that are diffs. `over_time` has arrays (T, N, H) by
    name: the gates and cells of an LSTM.
    """

    layer: Layer
    backward: bool
    bottoms: list[str]
    tops: list[str]
    params: list[str]
    changes: dict[str, np.ndarray] = field(default_factory=dict)
    checks: dict[str, np.ndarray] = field(default_factory=dict)
    over_time: dict[str, np.ndarray] = field(default_factory=dict)


def record(net: Net, seed: int = 0) -> tuple[list[Step], float]:
    """The steps of one forward and one backward pass over a float64 net whose inputs are filled.

    Returns them with the objective: the loss, or for a net without one the sum of its outputs times
    random numbers, which are the diffs that backward starts from. Raises UsageError for a net that
    is too large to look at.
    """
    _check_size(net)
    derivatives = Derivatives(net, seed)
    steps = list(_forward(net, derivatives))
    objective = derivatives.objective()
    net.clear_param_diffs()
    derivatives.write_output_diffs()
    steps += _backward(net, derivatives)
    return steps, objective


def _check_size(net: Net) -> None:
    numbers = {name: blob.count for name, blob in net.blobs.items()}
    for layer in net.layers:
        numbers.update({param_name(layer, i): b.count for i, b in enumerate(layer.blobs)})
    largest = max(numbers, key=lambda name: numbers[name])
    advice = (
        "explain is for nets small enough to look at; give smaller inputs with --shape, or a "
        "smaller net"
    )
    if numbers[largest] > MOST_NUMBERS:
        raise UsageError(
            f'"{largest}" has {numbers[largest]:,} numbers, at most {MOST_NUMBERS:,} can be '
            f"shown; {advice}"
        )
    total = sum(numbers.values())
    if total > MOST_IN_ALL:
        raise UsageError(f"the net has {total:,} numbers, at most {MOST_IN_ALL:,} fit; {advice}")


def param_name(layer: Layer, index: int) -> str:
    """How the page names a learned blob."""
    return f"{layer.name}[{index}]"


def _step(net: Net, i: int, backward: bool) -> Step:
    layer = net.layers[i]
    return Step(
        layer,
        backward,
        net.bottom_names[layer.name],
        net.top_names[layer.name],
        [param_name(layer, k) for k in range(len(layer.blobs))],
    )


def _forward(net: Net, derivatives: Derivatives) -> Iterator[Step]:
    for i, layer in enumerate(net.layers):
        step = _step(net, i, backward=False)
        derivatives.before_forward(i)
        net.forward(i, i)
        for name, blob in zip(step.tops, net.top_vecs[i], strict=True):
            step.changes[f"data {name}"] = blob.data.copy()
        for name, blob in zip(step.params, layer.blobs, strict=True):
            step.changes[f"data {name}"] = blob.data.copy()
        if isinstance(layer, LSTM):
            step.over_time = {name: each.copy() for name, each in layer.activations.items()}
        yield step


def _backward(net: Net, derivatives: Derivatives) -> Iterator[Step]:
    for i in range(len(net.layers) - 1, -1, -1):
        layer = net.layers[i]
        if not net.layer_need_backward[i] or type(layer).backward is Layer.backward:
            continue
        step = _step(net, i, backward=True)
        net.backward(i, i)
        shares = {b.buffer_ids[0] for b in net.bottom_vecs[i]} & {
            t.buffer_ids[0] for t in net.top_vecs[i] if t not in net.bottom_vecs[i]
        }
        for k, blob in enumerate(net.bottom_vecs[i]):
            if net.bottom_need_backward[i][k]:
                key = f"diff {step.bottoms[k]}"
                step.changes[key] = blob.diff.copy()
                if not shares:  # else the layer computes nothing
                    step.checks[key] = derivatives.of_bottom(i, k)
        for k, blob in enumerate(layer.blobs):
            if layer.needs_param_diff(k) and blob.has_diff:
                key = f"diff {step.params[k]}"
                step.changes[key] = blob.diff.copy()
                if derivatives.is_complete(i, k):
                    step.checks[key] = derivatives.of_param(i, k)
        if step.changes:
            yield step
