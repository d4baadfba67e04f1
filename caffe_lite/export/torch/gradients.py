"""The proof that an exported module trains as the net does: gradients, compared in float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.errors import CaffeError
from caffe_lite.export.inference_net import InferenceNet
from caffe_lite.export.proof import Row, Values, difference, run_net
from caffe_lite.export.torch.module import Module
from caffe_lite.nets.net import Net
from caffe_lite.nets.overwritten import overwritten
from caffe_lite.proto import schema
from caffe_lite.types import Array, NetParameter


@dataclass
class Double:
    """A net in float64: `net`, built of `param`, with the blobs that are outputs."""

    net: Net
    param: NetParameter
    outputs: tuple[str, ...]
    notes: list[str]


def compare_gradients(
    torch_net: Any,
    module: Module,
    double: Double,
    inputs: Values,
    prepared: Values | None = None,
    seed: int = 0,
) -> tuple[list[Row], list[str]]:
    """Rows for the gradients of all inputs and learned blobs, and notes.

    The gradients of the outputs are random. Both sides run in float64, which shows the formulas and
    not the rounding. `module` was generated for `double`; `torch_net` may be of a module of other
    names for blobs. `prepared` are the inputs as the net takes them, where preprocessing is part of
    the module; those that differ get no row.
    """
    import torch

    rng, net = np.random.default_rng(seed), double.net
    given = {
        name: torch.from_numpy(value.astype(np.float64)).requires_grad_()
        for name, value in inputs.items()
    }
    if hasattr(torch_net, "reset"):
        torch_net.reset()
    torch_net.zero_grad()
    result = torch_net(*given.values())
    outputs = result if isinstance(result, tuple) else (result,)
    own = inputs if prepared is None else prepared
    run_net(net, {name: value.astype(np.float64) for name, value in own.items()})
    diffs = {name: rng.normal(size=net.blobs[name].shape) for name in double.outputs}
    notes = [*double.notes, *_run_backward(net, diffs)]
    pairs = [
        (output, torch.from_numpy(diff))
        for output, diff in zip(outputs, diffs.values(), strict=True)
        if output.requires_grad
    ]
    if not pairs:
        return [], [*notes, "no output has a gradient"]
    torch.autograd.backward(*map(list, zip(*pairs, strict=True)))
    described = ", ".join(f"{k} {'x'.join(map(str, v.shape))}" for k, v in inputs.items())
    rows = []
    blocked = _without_gradient(net)
    for name in inputs:
        if name not in blocked and own[name] is inputs[name]:
            ours = net.ops.to_host(net.blobs[name].diff)
            rows.append(_row(f"gradient of {name}", ours, given[name].grad, described))
    learned = dict(torch_net.named_parameters())
    for name, tensor in module.tensors.items():
        if name in learned:
            rows.append(
                _row(f"gradient of {name}", tensor.gradient(), learned[name].grad, described)
            )
    return rows, notes


def _row(name: str, ours: Array, theirs: Any, inputs: str) -> Row:
    """A gradient that PyTorch leaves out is zero."""
    values = np.zeros_like(ours) if theirs is None else theirs.detach().numpy()
    return Row(name, ours.shape, difference(ours, values), inputs)


def _run_backward(net: Net, diffs: Values) -> list[str]:
    """Run backward; a layer without a backward pass gives zeros, and a note."""
    for blob in net.blob_list:
        blob.diff[...] = 0
    for name, diff in diffs.items():
        net.blobs[name].diff[...] = net.ops.asarray(diff)
    net.clear_param_diffs()
    notes = []
    for i in reversed(range(len(net.layers))):
        try:
            net.backward(i, i)
        except CaffeError:
            notes.append(f"no gradient passes through {net.layers[i].name}")
            for blob in net.bottom_vecs[i]:
                blob.diff[...] = 0
    return notes


def _without_gradient(net: Net) -> set[str]:
    """Blobs that are labels, indices or sequence indicators of some layer."""
    found: set[str] = set()
    names = net.wiring.blob_names
    for node, layer in reversed(list(zip(net.wiring.nodes, net.layers, strict=True))):
        found |= {names[b] for i, b in enumerate(node.bottom) if i in layer.no_gradient}
        if layer.type in ("Split", "Reshape", "Flatten") and any(
            names[t] in found for t in node.top
        ):
            found |= {names[b] for b in node.bottom}
    return found


def net_in_double(net: Net, inference: InferenceNet) -> Double:
    """`net`, built of `inference`, in float64, with the gradients of all blobs.

    Where a layer that works in place spoils what another needs in backward, the gradients of the
    net are wrong, as in Caffe; here every layer then has a top of its own.
    """
    param, outputs, notes = inference.param, inference.outputs, []
    made = _forced(param, net)
    spoiled = overwritten(made)
    if spoiled:
        made.close()
        param, last = without_in_place(param)
        outputs = tuple(last[name] for name in outputs)
        made = _forced(param, net)
        notes = [f"compared with the gradient as it should be: {each}" for each in spoiled]
    return Double(made, param, outputs, notes)


def _forced(param: NetParameter, net: Net) -> Net:
    definition: NetParameter = schema.NetParameter()
    definition.CopyFrom(param)
    definition.force_backward = True
    made = Net(definition, ops=get_ops(dtype="float64"), seed=0)
    for ours, theirs in zip(made.learnable_params, net.learnable_params, strict=True):
        ours.data[...] = made.ops.asarray(net.ops.to_host(theirs.data).astype(np.float64))
    return made


def without_in_place(param: NetParameter) -> tuple[NetParameter, dict[str, str]]:
    """A copy in which no top has the name of a bottom; and the last name of each blob."""
    made: NetParameter = schema.NetParameter()
    made.CopyFrom(param)
    last: dict[str, str] = {}
    for layer in made.layer:
        bottoms = list(layer.bottom)
        layer.bottom[:] = [last[name] for name in bottoms]
        for i, name in enumerate(layer.top):
            last[name] = f"{name}, {layer.name}" if name in bottoms else name
            layer.top[i] = last[name]
    return made, last
