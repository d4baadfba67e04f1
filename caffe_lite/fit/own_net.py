"""A net of the user's, made ready for other classes: its layers without data and losses."""

from __future__ import annotations

from dataclasses import dataclass

from caffe_lite.errors import ModelError
from caffe_lite.export.inference_net import inference_net
from caffe_lite.proto import schema
from caffe_lite.types import LayerParameter, NetParameter

_ENDS = ("InnerProduct", "Convolution")


@dataclass(frozen=True)
class OwnNet:
    """The layers from `data` to `score`; `shape` (C, H, W) is that of its input.

    `last` is the layer with a number of outputs for each class, whose name was `renamed`.
    """

    body: NetParameter
    data: str
    score: str
    shape: tuple[int, int, int]
    last: str
    renamed: str


def own_net(net: NetParameter, source: str, classes: int, rename: str) -> OwnNet:
    """The net in `source` with `classes` outputs.

    With `rename`, the last layer is called so in addition, so that it starts anew and learns ten
    times as fast, while the others take trained weights. Weights without a filler get one. Raises
    ModelError for a net that does not take one image, or does not end in a layer with outputs.
    """
    made = inference_net(net)
    if len(made.inputs) != 1:
        raise ModelError(
            f"{source}: takes {', '.join(made.inputs)}; a net for images has one input"
        )
    ((data, shape),) = made.inputs.items()
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise ModelError(f'{source}: its input "{data}" has shape {shape}, not (N, 1 or 3, H, W)')
    body: NetParameter = schema.NetParameter(name=net.name or "net")
    body.layer.extend(layer for layer in made.param.layer if layer.type != "Input")
    while len(body.layer) and body.layer[-1].type == "Softmax":
        del body.layer[-1]
    ends = [layer for layer in body.layer if layer.type in _ENDS]
    if not ends:
        raise ModelError(f"{source}: has no InnerProduct or Convolution layer to score classes")
    last = ends[-1]
    former = last.name
    param = last.inner_product_param if last.type == _ENDS[0] else last.convolution_param
    param.num_output = classes
    if rename:
        last.name = f"{former}_{rename}"
        del last.param[:]
        last.param.add(lr_mult=10, decay_mult=1)
        last.param.add(lr_mult=20, decay_mult=0)
    for layer in body.layer:
        _fill(layer)
    top = body.layer[-1].top[0]
    return OwnNet(body, data, top, (shape[1], shape[2], shape[3]), last.name, former)


def _fill(layer: LayerParameter) -> None:
    for name in ("convolution_param", "inner_product_param"):
        if layer.HasField(name) and not getattr(layer, name).HasField("weight_filler"):
            getattr(layer, name).weight_filler.type = "xavier"
