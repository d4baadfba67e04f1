"""Layers that run as one: a bias and the in-place ReLU right behind it, in one pass over memory."""

from collections.abc import Sequence

from caffe_lite.layers.base import Layer
from caffe_lite.layers.convolution import Convolution
from caffe_lite.layers.inner_product import InnerProduct
from caffe_lite.layers.relu import ReLU
from caffe_lite.nets.wiring import Wiring


def rectified_layers(wiring: Wiring, layers: Sequence[Layer]) -> dict[int, ReLU]:
    """By position, the layers that can take over the forward pass of the ReLU behind them.

    These are Convolution and InnerProduct with a bias and one top, followed at once by a ReLU that
    works in place on it: nobody else sees what stands there in between. Classes must be these very
    ones, since a user's own may do more.
    """
    found = {}
    for i, (layer, relu) in enumerate(zip(layers, layers[1:], strict=False)):
        node, behind = wiring.nodes[i], wiring.nodes[i + 1]
        in_place = len(node.top) == 1 and list(node.top) == behind.bottom == behind.top
        if in_place and type(relu) is ReLU and _has_bias(layer):
            found[i] = relu
    return found


def _has_bias(layer: Layer) -> bool:
    return type(layer) in (Convolution, InnerProduct) and getattr(layer, "bias_term", False)
