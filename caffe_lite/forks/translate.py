"""Rewrites fields of forks that Caffe 1.0 expresses in other fields.

Pure functions from message to message, applied to a net before its layers are made, so that Caffe's
own layers need not know the forks' spellings.
"""

import logging
from collections.abc import Callable, Container

from caffe_lite.errors import ModelError
from caffe_lite.forks.auto_crop import replace_auto_crops
from caffe_lite.forks.embedded import flatten_embeddings
from caffe_lite.proto import schema
from caffe_lite.proto.additions import additions, field_at, has_field
from caffe_lite.types import LayerParameter, Message, NetParameter

log = logging.getLogger("caffe_lite.net")

_SOFTMAX_LOSS_TOPS = 2  # at most, in Caffe
_DETECTIONS_AND_TRUTH = 2  # the bottoms of SSD's DetectionEvaluate


def translate(net: NetParameter) -> NetParameter:
    """A copy of the net in which the forks' spellings are replaced.

    Raises ModelError for a field of the net itself that would change its results and is not
    supported. Fields of layers are checked by the layers.
    """
    translated: NetParameter = schema.NetParameter()
    translated.CopyFrom(net)
    check_additions(translated, f'net "{net.name}"', ModelError, skip=("layer", "layers"))
    for layer in translated.layer:
        translate_layer(layer)
    _add_poolings(translated)
    _add_rectifiers(translated)
    replace_auto_crops(translated)
    flatten_embeddings(translated)
    return translated


def translate_layer(layer: LayerParameter) -> None:
    """Replace the forks' spellings in a layer's definition, in place."""
    for path in additions(layer):
        if path in _SPELLINGS and has_field(layer, path):  # one rule may replace several
            _SPELLINGS[path](layer)
    if layer.type == "SoftmaxWithLoss" and len(layer.top) > _SOFTMAX_LOSS_TOPS:
        layer.type = "SoftmaxWithLossOHEM"  # R-FCN's, whose third top is the loss of each label
    if layer.type == "DetectionEvaluate" and len(layer.bottom) > _DETECTIONS_AND_TRUTH:
        layer.type = "RegionDetectionEvaluate"  # Cascade R-CNN's, which is told the images' sizes
    if layer.type == "InnerProduct" and len(layer.bottom) > 1:
        layer.inner_product_param.normalize = False  # happynear's, whose weights can be bottoms


def _unfuse(layer: LayerParameter) -> None:
    """A convolution that is fused with a ReLU has `relu: true`."""
    param = layer.convolution_param
    if param.fuse_type == schema.ConvolutionParameter.FUSED_CONV_RELU:
        param.relu = True
    elif param.fuse_type != schema.ConvolutionParameter.UNFUSED:
        return  # refused by the layer
    param.ClearField("fuse_type")


def _add_poolings(net: NetParameter) -> None:
    """Write the pooling that an LRN is fused with as a layer behind it, in place."""
    for i in range(len(net.layer) - 1, -1, -1):
        layer = net.layer[i]
        param = layer.lrn_param
        if param.fuse_type == schema.LRNParameter.UNFUSED or len(layer.top) != 1:
            continue
        pooling = schema.LayerParameter(
            name=f"{layer.name}_pool",
            type="Pooling",
            bottom=[f"{layer.name}_fused"],
            top=layer.top,
            pooling_param=param.pooling_param,
            include=layer.include,
            exclude=layer.exclude,
        )
        layer.top[0] = pooling.bottom[0]
        param.ClearField("fuse_type")
        param.ClearField("pooling_param")
        net.layer.insert(i + 1, pooling)


def _add_rectifiers(net: NetParameter) -> None:
    """Write `relu: true` of a convolution or an inner product as Caffe 1.0 does: as a ReLU layer.

    It comes right behind the layer and works in place on its tops.
    """
    names = {layer.name for layer in net.layer}
    layers = [layer for before in net.layer for layer in (before, *_rectifiers(before, names))]
    rewritten: NetParameter = schema.NetParameter(layer=layers)
    del net.layer[:]
    net.layer.extend(rewritten.layer)


def _rectifiers(layer: LayerParameter, names: set[str]) -> list[LayerParameter]:
    """The ReLU layers that a layer's own fields ask for; takes the fields out of it."""
    found: list[LayerParameter] = []
    for message in ("convolution_param", "inner_product_param"):
        fields = [f for f in ("relu", "negative_slope") if has_field(layer, f"{message}.{f}")]
        if not fields:
            continue
        param = getattr(layer, message)
        for top in layer.top if param.relu else ():
            name = f"{layer.name}_relu"
            while name in names:
                name += "_"
            names.add(name)
            relu = schema.LayerParameter(name=name, type="ReLU", bottom=[top], top=[top])
            relu.relu_param.negative_slope = param.negative_slope
            found.append(relu)
        for field in fields:
            param.ClearField(field)
    return found


def check_additions(
    message: Message,
    where: str,
    error: type[Exception],
    skip: Container[str] = (),
    honoured: Container[str] = (),
) -> None:
    """Fail for a fork's field in `message` that is neither honoured nor a mere hint.

    Hints to the fork's own implementation are logged. `where` begins the error's line; fields named
    in `skip` are not searched.
    """
    for path in additions(message, skip):
        if path in honoured:
            continue
        if not field_at(message, path).GetOptions().deprecated:
            raise error(
                f"{where}: {path} is a field of a fork of Caffe that changes results, and it is "
                "not supported here; remove it if the default will do"
            )
        log.info("%s: %s is a hint that changes nothing here", where, path)


def _ceil_mode(layer: LayerParameter) -> None:
    """ceil_mode: false is what Caffe 1.0 writes as round_mode: FLOOR."""
    param = layer.pooling_param
    modes = schema.PoolingParameter
    param.round_mode = modes.CEIL if param.ceil_mode else modes.FLOOR
    param.ClearField("ceil_mode")


def _torch_pooling(layer: LayerParameter) -> None:
    """torch_pooling: true is what Caffe 1.0 writes as round_mode: FLOOR."""
    param = layer.pooling_param
    if param.torch_pooling:
        param.round_mode = schema.PoolingParameter.FLOOR
    param.ClearField("torch_pooling")


def _images_in_color(layer: LayerParameter) -> None:
    """images_in_color is what Caffe 1.0 calls is_color."""
    param = layer.image_data_param
    param.is_color = param.images_in_color
    param.ClearField("images_in_color")


def _dilation_by_side(layer: LayerParameter) -> None:
    """dilation_h and dilation_w, or DeepLab's holes, are the values of Caffe's dilation."""
    param = layer.convolution_param
    both = param.hole if param.HasField("hole") else (list(param.dilation) or [1])[0]
    sides = [both, both]
    for name in _HOLES:
        if name != "hole" and param.HasField(name):
            sides[name.endswith("_w")] = getattr(param, name)
    param.ClearField("dilation")
    param.dilation.extend(sides[: 1 + (sides[0] != sides[1])])
    for name in _HOLES:
        param.ClearField(name)


_HOLES = ("dilation_h", "dilation_w", "hole", "hole_h", "hole_w")

_SPELLINGS: dict[str, Callable[[LayerParameter], None]] = {
    "pooling_param.ceil_mode": _ceil_mode,
    "pooling_param.torch_pooling": _torch_pooling,
    "convolution_param.fuse_type": _unfuse,
    "image_data_param.images_in_color": _images_in_color,
    **{f"convolution_param.{name}": _dilation_by_side for name in _HOLES},
}
