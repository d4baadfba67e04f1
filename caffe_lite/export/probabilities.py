"""The probabilities inside losses: SoftmaxWithLoss as Softmax, and so on."""

from caffe_lite.proto import schema
from caffe_lite.types import LayerParameter, NetParameter

# By type of the loss, the layer that it begins with, whose result is its second top if it has one.
_BEGINS_WITH = {
    "SoftmaxWithLoss": "Softmax",
    "SoftmaxWithLossOHEM": "Softmax",
    "InfogainLoss": "Softmax",
    "SigmoidCrossEntropyLoss": "Sigmoid",
}


def with_probabilities(net: NetParameter, wanted: bool) -> NetParameter:
    """A copy of `net` with the Softmax or Sigmoid that a loss begins with in front of the loss.

    Its top is the second top of the loss. A loss without one gets the layer only if `wanted`; the
    top is then "prob", or has the loss's name if "prob" is taken. A Softmax of the same bottom that
    the net has already is enough.
    """
    made: NetParameter = schema.NetParameter()
    made.CopyFrom(net)
    del made.layer[:]
    names = {name for layer in net.layer for name in (layer.name, *layer.top)}
    for layer in net.layer:
        begins = _BEGINS_WITH.get(layer.type, "")
        if begins and layer.bottom and (len(layer.top) > 1 or (wanted and not _has(net, layer))):
            made.layer.add().CopyFrom(_first_part(layer, begins, names))
            names.add(made.layer[-1].top[0])
        added = made.layer.add()
        added.CopyFrom(layer)
        if begins and len(layer.top) > 1:
            del added.top[1]
            del added.loss_weight[1:2]
    return made


def _first_part(loss: LayerParameter, begins: str, names: set[str]) -> LayerParameter:
    top = loss.top[1] if len(loss.top) > 1 else "prob"
    if len(loss.top) < 2 and top in names:
        top = f"{loss.name}_prob"
    layer: LayerParameter = schema.LayerParameter(
        name=top, type=begins, bottom=[loss.bottom[0]], top=[top]
    )
    if loss.type == "InfogainLoss":
        layer.softmax_param.axis = loss.infogain_loss_param.axis
    elif begins == "Softmax":
        layer.softmax_param.CopyFrom(loss.softmax_param)
    return layer


def _has(net: NetParameter, loss: LayerParameter) -> bool:
    """Whether the net has a layer that computes the same probabilities for other users."""
    begins = _BEGINS_WITH[loss.type]
    return any(
        layer.type == begins and layer.bottom[:] == loss.bottom[:1] and layer.top != layer.bottom
        for layer in net.layer
    )
