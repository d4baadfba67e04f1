"""BatchNorm layers that declare three params: the solver must not train their statistics."""

from typing import Any

NAME = "BatchNorm params"


def _declares_statistics(layer: Any) -> bool:
    return layer.type == "BatchNorm" and len(layer.param) == 3


def needed(net: Any) -> bool:
    return any(_declares_statistics(layer) for layer in net.layer)


def upgrade(net: Any, file: str) -> Any:
    for layer in net.layer:
        if _declares_statistics(layer):
            for param in layer.param:
                param.lr_mult = 0
                param.decay_mult = 0
    return net
