"""Images in other colour spaces."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from caffe_lite.export.onnx.builder import Graph, Tensor
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.forks.colorization import color_conv as spaces
from caffe_lite.proto import schema

Step = Callable[[Graph, Tensor], Tensor]


@translates(spaces.ColorConv)
def color_conv(site: Site) -> list[Tensor]:
    """The conversions of the layer, one after the other."""
    param, name = site.layer.param.color_conv_param, schema.ColorConvParameter.ColorSpace.Name
    x = site.x[0]
    for step in spaces.conversions(name(param.input), name(param.output)):
        x = _STEPS[step](site.graph, x)
    return [x]


def _mix(graph: Graph, x: Tensor, matrix: Any) -> Tensor:
    """The channels multiplied by a matrix: a convolution of single pixels."""
    weight = graph.floats(np.asarray(matrix, np.float32)[:, :, None, None])
    return graph.add("Conv", x, weight)


def _times(graph: Graph, x: Tensor, factor: float) -> Tensor:
    return graph.add("Mul", x, graph.floats(factor))


def _plus(graph: Graph, x: Tensor, summand: float) -> Tensor:
    return graph.add("Add", x, graph.floats(summand))


def _power(graph: Graph, x: Tensor, exponent: float) -> Tensor:
    return graph.add("Pow", x, graph.floats(exponent))


def _by_channel(graph: Graph, values: Sequence[float]) -> Tensor:
    return graph.floats(np.asarray(values, np.float32)[:, None, None])


def _rectified(graph: Graph, x: Tensor) -> Tensor:
    return graph.add("Max", x, graph.floats(0))


def _swap(graph: Graph, x: Tensor) -> Tensor:
    return graph.add("Gather", x, graph.ints([2, 1, 0]), axis=1)


def _rgb_to_gray(graph: Graph, x: Tensor) -> Tensor:
    return _mix(graph, x, spaces.TO_XYZ[1:2])


def _gray_to_rgb(graph: Graph, x: Tensor) -> Tensor:
    return graph.concat([x, x, x], 1)


def _rgb_to_xyz(graph: Graph, x: Tensor) -> Tensor:
    v = _times(graph, x, 1 / 255)
    powered = _power(
        graph, _times(graph, _plus(graph, _rectified(graph, v), 0.055), 1 / 1.055), 2.4
    )
    low = graph.add("LessOrEqual", v, graph.floats(0.04045))
    linear = graph.add("Where", low, _times(graph, v, 1 / 12.92), powered)
    return _mix(graph, linear, spaces.TO_XYZ)


def _xyz_to_rgb(graph: Graph, x: Tensor) -> Tensor:
    v = _mix(graph, x, spaces.TO_RGB)
    powered = _plus(
        graph, _times(graph, _power(graph, _rectified(graph, v), 1 / 2.4), 1.055), -0.055
    )
    low = graph.add("LessOrEqual", v, graph.floats(0.0031308))
    return _times(graph, graph.add("Where", low, _times(graph, v, 12.92), powered), 255)


def _xyz_to_lab(graph: Graph, x: Tensor) -> Tensor:
    v = graph.add("Div", x, _by_channel(graph, spaces.WHITE))
    roots = _power(graph, _rectified(graph, v), 1 / 3)
    linear = _times(graph, _plus(graph, _times(graph, v, 903.3), 16), 1 / 116)
    f = graph.add("Where", graph.add("Greater", v, graph.floats(0.008867)), roots, linear)
    x, y, z = graph.split(f, [1, 1, 1], 1)
    a = _times(graph, graph.add("Sub", x, y), 500)
    b = _times(graph, graph.add("Sub", y, z), 200)
    return graph.concat([_plus(graph, _times(graph, y, 116), -16), a, b], 1)


def _lab_to_xyz(graph: Graph, x: Tensor) -> Tensor:
    lightness, a, b = graph.split(x, [1, 1, 1], 1)
    y = _times(graph, _plus(graph, lightness, 16), 1 / 116)
    first = graph.add("Add", y, _times(graph, a, 1 / 500))
    v = graph.concat([first, y, graph.add("Sub", y, _times(graph, b, 1 / 200))], 1)
    cubes = graph.add("Mul", graph.add("Mul", v, v), v)
    linear = _times(graph, _plus(graph, _times(graph, v, 116), -16), 1 / 903.3)
    f = graph.add("Where", graph.add("Greater", v, graph.floats(0.206896)), cubes, linear)
    return graph.add("Mul", f, _by_channel(graph, spaces.WHITE))


_STEPS: dict[spaces.Step, Step] = {
    spaces.swap: _swap,
    spaces.rgb_to_gray: _rgb_to_gray,
    spaces.gray_to_rgb: _gray_to_rgb,
    spaces.rgb_to_xyz: _rgb_to_xyz,
    spaces.xyz_to_rgb: _xyz_to_rgb,
    spaces.xyz_to_lab: _xyz_to_lab,
    spaces.lab_to_xyz: _lab_to_xyz,
}
