"""How many operations a layer takes, by OpenCV's formulas.

Source: opencv/opencv (4.14), `getFLOPS` in modules/dnn/src/layers
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod

from caffe_lite.dnn.graph import Node
from caffe_lite.dnn.shapes import LayerShapes
from caffe_lite.proto import schema
from caffe_lite.types import Array, Shape

Count = Callable[[Node, Shape, Shape, Sequence[Array]], int]


def flops(node: Node, shapes: LayerShapes, blobs: Sequence[Array]) -> int:
    """Operations of a layer for one forward pass; 0 for types that OpenCV does not count."""
    count = _COUNTS.get(node.type)
    if count is None or not shapes.inputs or not shapes.outputs:
        return 0
    if node.type == "Eltwise":
        return len(shapes.inputs) * prod(shapes.inputs[0])
    return count(node, shapes.inputs[0], shapes.outputs[0], blobs)


def _each(operations: int) -> Count:
    """So many operations for each number of the output."""
    return lambda node, x, y, blobs: operations * prod(y)


def _convolution(node: Node, x: Shape, y: Shape, blobs: Sequence[Array]) -> int:
    kernel = prod(blobs[0].shape[2:]) if blobs else 0
    return prod(y) * (2 * kernel * x[1] + 1)


def _deconvolution(node: Node, x: Shape, y: Shape, blobs: Sequence[Array]) -> int:
    kernel = prod(blobs[0].shape[2:]) if blobs else 0
    return 2 * x[1] * kernel * prod(x)


def _inner_product(node: Node, x: Shape, y: Shape, blobs: Sequence[Array]) -> int:
    return 3 * (blobs[0].shape[1] if blobs else 0) * prod(y)


def _power(node: Node, x: Shape, y: Shape, blobs: Sequence[Array]) -> int:
    return prod(y) * (2 if node.param.power_param.power == 1 else 10)


def _pooling(node: Node, x: Shape, y: Shape, blobs: Sequence[Array]) -> int:
    param = node.param.pooling_param
    if param.global_pooling:
        window = x[2] * x[3]
    else:
        sides = param.kernel_h or param.kernel_size, param.kernel_w or param.kernel_size
        window = prod(sides)
    return prod(y) * (window + (param.pool == schema.PoolingParameter.AVE))


def _lrn(node: Node, x: Shape, y: Shape, blobs: Sequence[Array]) -> int:
    param = node.param.lrn_param
    size = param.local_size
    if param.norm_region == schema.LRNParameter.WITHIN_CHANNEL:
        return prod(x) * 2 * (size * size + 1)
    half, channels, plane = (size - 1) // 2, x[1], prod(x[2:])
    count = x[0] * (min(half, channels) * 2 + channels * 4) * plane
    if half < channels:
        count += (size + 2 * (channels - size)) * plane
    return count


def _mvn(node: Node, x: Shape, y: Shape, blobs: Sequence[Array]) -> int:
    axes = 2 if node.param.mvn_param.normalize_variance else 1
    return 6 * prod(x) + 3 * prod(x[:axes])


def _prior_box(node: Node, x: Shape, y: Shape, blobs: Sequence[Array]) -> int:
    return 17 * prod(y[2:])


_COUNTS: Mapping[str, Count] = {
    "AbsVal": _each(1),
    "BNLL": _each(5),
    "BatchNorm": _each(3),
    "Convolution": _convolution,
    "Deconvolution": _deconvolution,
    "ELU": _each(2),
    "Eltwise": _each(1),
    "Exp": _each(3),
    "InnerProduct": _inner_product,
    "LRN": _lrn,
    "Log": _each(1),
    "MVN": _mvn,
    "PReLU": _each(1),
    "PSROIPooling": _each(1),
    "Pooling": _pooling,
    "Power": _power,
    "PriorBox": _prior_box,
    "ROIPooling": _each(1),
    "ReLU": _each(1),
    "ReLU6": _each(2),
    "Reorg": _each(21),
    "Scale": _each(2),
    "Sigmoid": _each(3),
    "Softmax": _each(4),
    "Swish": _each(3),
    "TanH": _each(1),
}
