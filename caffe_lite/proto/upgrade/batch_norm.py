"""BatchNorm layers that declare three params: the solver must not train their statistics."""

from caffe_lite.types import AnyMessage

NAME = "BatchNorm params"


def _trains_statistics(layer: AnyMessage) -> bool:
    return (
        layer.type == "BatchNorm"
        and len(layer.param) == 3
        and any(param.lr_mult or param.decay_mult for param in layer.param)
    )


def needed(net: AnyMessage) -> bool:
    return any(_trains_statistics(layer) for layer in net.layer)


def upgrade(net: AnyMessage, file: str) -> AnyMessage:
    for layer in net.layer:
        if _trains_statistics(layer):
            for param in layer.param:
                param.lr_mult = 0
                param.decay_mult = 0
    return net
