"""A net of the user's, made ready for other classes: its layers without data and losses."""

from __future__ import annotations

from dataclasses import dataclass

from caffe_lite.errors import ModelError
from caffe_lite.export.inference_net import inference_net
from caffe_lite.nets.graph import filter_net, with_state
from caffe_lite.proto import schema
from caffe_lite.types import LayerParameter, NetParameter, Shape

_DATA = ("Data", "ImageData")
_ENDS = ("InnerProduct", "Convolution")


@dataclass(frozen=True)
class OwnNet:
    """The layers from `data` to `score`; `shape` (C, H, W) is that of its input.

    `last` is the layer with a number of outputs for each class, whose name was `renamed`. `scale`
    is the factor of its data layers for pixels, None if it has none.
    """

    body: NetParameter
    data: str
    score: str
    shape: tuple[int, int, int]
    last: str
    renamed: str
    scale: float | None


def own_net(
    net: NetParameter, source: str, classes: int, rename: str, image: tuple[int, int, int]
) -> OwnNet:
    """The net in `source` with `classes` outputs.

    A data layer's top has the shape of `image` (C, H, W), or of its crop.

    With `rename`, the last layer is called so in addition, so that it starts anew and learns ten
    times as fast, while the others take trained weights. Weights without a filler get one. Raises
    ModelError for a net that does not take one image, or does not end in a layer with outputs.
    """
    made = inference_net(net, shapes=_shapes(net, image))
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
    scales = [
        layer.transform_param.scale
        for layer in net.layer
        if layer.transform_param.HasField("scale")
    ]
    scale = scales[0] if scales else None
    return OwnNet(body, data, top, (shape[1], shape[2], shape[3]), last.name, former, scale)


def _shapes(net: NetParameter, image: tuple[int, int, int]) -> dict[str, Shape]:
    """The shapes of images that the net's data layers make."""
    shapes: dict[str, Shape] = {}
    for layer in filter_net(with_state(net, schema.TEST, 0, ())).layer:
        if not layer.bottom and layer.type in _DATA:
            crop = layer.transform_param.crop_size
            shapes[layer.top[0]] = (1, image[0], crop or image[1], crop or image[2])
    return shapes


def _fill(layer: LayerParameter) -> None:
    for name in ("convolution_param", "inner_product_param"):
        if layer.HasField(name) and not getattr(layer, name).HasField("weight_filler"):
            getattr(layer, name).weight_filler.type = "xavier"
