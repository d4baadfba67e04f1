"""Layers that run as one: a bias and the in-place ReLU behind it, in one pass over memory."""

from collections.abc import Sequence

from caffe_lite.layers.base import Layer
from caffe_lite.nets.wiring import Wiring


def rectified_layers(wiring: Wiring, layers: Sequence[Layer]) -> dict[int, float]:
    """The layers that can take over the forward pass of the ReLU behind them.

    By position, the slope of that ReLU. The layer has one top, and the ReLU comes next and works in
    place on it, so no other layer uses the values in between.
    """
    found = {}
    for i, (layer, behind) in enumerate(zip(layers, layers[1:], strict=False)):
        node, next_node = wiring.nodes[i], wiring.nodes[i + 1]
        in_place = len(node.top) == 1 and list(node.top) == next_node.bottom == next_node.top
        slope = behind.rectifier_slope
        if in_place and slope is not None and layer.takes_rectifier:
            found[i] = slope
    return found
