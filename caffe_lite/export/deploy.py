"""The deploy definition of a net that was defined for training, and the proof that it is equal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import cast

import numpy as np
from google.protobuf.message import Message

from caffe_lite.errors import ModelError
from caffe_lite.export.inference_net import InferenceNet, inference_net
from caffe_lite.export.proof import Proof, prove, run_net
from caffe_lite.nets.graph import with_state
from caffe_lite.nets.net import Net
from caffe_lite.nets.sourceless import Absent, without_sources
from caffe_lite.proto import schema
from caffe_lite.types import NetParameter, Shape

_OVER_TIME = ("LSTM", "RNN", "LSTMUnit")


def deploy_net(
    net: NetParameter,
    level: int = 0,
    stages: Iterable[str] = (),
    shapes: Mapping[str, Shape] | None = None,
    batch: int = 1,
) -> InferenceNet:
    """What is left of `net` in phase TEST, with losses as probabilities, for `batch` images.

    What is for training only is left out: fillers, learning rates, regularizers. Inputs of nets
    with layers over time, and those in `shapes`, keep their shapes.
    """
    made = inference_net(net, schema.TEST, level, stages, shapes, probabilities=True)
    over_time = any(layer.type in _OVER_TIME for layer in made.param.layer)
    given = set(shapes or {})
    inputs = {
        name: shape if over_time or name in given or len(shape) < 2 else (batch, *shape[1:])
        for name, shape in made.inputs.items()
    }
    param: NetParameter = schema.NetParameter()
    param.CopyFrom(made.param)
    param.ClearField("state")
    for layer in param.layer:
        if layer.type == "Input":
            del layer.input_param.shape[:]
            for top in layer.top:
                layer.input_param.shape.add(dim=inputs[top])
            continue
        _drop_fillers(cast(Message, layer))
        if not layer.softmax_param.ByteSize():
            layer.ClearField("softmax_param")
        names = [each.name for each in layer.param]
        del layer.param[:]
        if any(names):
            layer.param.extend(schema.ParamSpec(name=name) for name in names)
    return InferenceNet(param, inputs, made.outputs, made.left_out)


def _drop_fillers(message: Message) -> None:
    """Remove all fillers of learned blobs from a message and those inside it."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.name == "FillerParameter" and field.name != "data_filler":
            message.ClearField(field.name)
        elif not field.is_repeated:
            _drop_fillers(value)


def prove_deploy_net(
    net: NetParameter,
    deploy: InferenceNet,
    weights: str | None,
    level: int = 0,
    stages: Iterable[str] = (),
    shapes: Mapping[str, Shape] | None = None,
    seed: int = 0,
) -> Proof:
    """Run the whole net, losses included, and the deploy net on the same random inputs.

    The whole net gets placeholders for its data layers, and labels of zero. Without `weights` both
    have the starting values of the whole one. Raises ModelError for weights that lack a layer.
    """
    own = inference_net(net, schema.TEST, level, stages, shapes).inputs
    whole = _with_inputs(with_state(net, schema.TEST, level, stages), own)
    rng = np.random.default_rng(seed)
    trial = {name: rng.standard_normal(shape, np.float32) for name, shape in own.items()}
    with Net(whole, seed=seed) as first, Net(deploy.param, seed=seed) as second:
        if weights:
            missing = first.copy_trained_layers_from(weights).missing
            if missing:
                raise ModelError(f"{weights}: has no weights for {', '.join(missing)}")
        second.share_trained_layers_with(first)
        return prove(first, lambda inputs: run_net(second, inputs), [trial])


def _with_inputs(net: NetParameter, shapes: Mapping[str, Shape]) -> NetParameter:
    """The whole net with inputs in place of its data layers, of as many labels as images."""
    whole, _ = without_sources(net, shapes, guess=0)
    over_time = any(layer.type in _OVER_TIME for layer in whole.layer)
    batch = next(iter(shapes.values()))[0]
    for layer in whole.layer:
        if layer.bottom or layer.python_param.layer != Absent.__name__:
            continue
        tops = json.loads(layer.python_param.param_str)["tops"]
        layer.ClearField("python_param")
        layer.type = "Input"
        for top, shape in zip(layer.top, tops, strict=True):
            fits = top in shapes or over_time or not shape
            layer.input_param.shape.add(dim=shape if fits else [batch, *shape[1:]])
    return whole
