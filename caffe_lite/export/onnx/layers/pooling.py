"""Pooling with Caffe's windows: sizes rounded up, windows that begin beyond the image dropped."""

from collections.abc import Sequence

import numpy as np

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.sizes import Size, vector
from caffe_lite.export.onnx.windows import Windows
from caffe_lite.layers.base import Layer
from caffe_lite.layers.pooling import Pooling
from caffe_lite.layers.spp import SPP
from caffe_lite.proto import schema
from caffe_lite.types import AnyMessage

Methods = schema.PoolingParameter


@translates(Pooling)
def pooling(site: Site) -> list[Tensor]:
    param = site.layer.param.pooling_param
    method = param.pool
    if method == Methods.STOCHASTIC and site.layer.train:
        raise site.refuse("STOCHASTIC pooling draws at random, as its phase is TRAIN")
    if param.global_pooling:
        return _whole(site, method)
    windows = read_windows(param)
    if method == Methods.MAX:
        return max_pool(site, site.x[0], windows, len(site.made) > 1)
    if method == Methods.AVE:
        return [average_pool(site, site.x[0], windows)]
    return [_stochastic(site, windows)]


def read_windows(param: AnyMessage) -> Windows:
    """The windows of a PoolingParameter that is not global."""

    def pair(field: str, short: str) -> tuple[int, ...]:
        if param.HasField(f"{short}_h"):
            return getattr(param, f"{short}_h"), getattr(param, f"{short}_w")
        return (getattr(param, field),) * 2

    up = param.round_mode == Methods.CEIL
    return Windows(pair("kernel_size", "kernel"), pair("stride", "stride"), pair("pad", "pad"), up)


def _whole(site: Site, method: int) -> list[Tensor]:
    """The whole image as one window."""
    x = site.x[0]
    if method == Methods.AVE:
        return [site.op("GlobalAveragePool", x)]
    if method == Methods.MAX:
        tops = [site.op("GlobalMaxPool", x)]
        if len(site.made) > 1:
            rows = site.graph.reshape(x, [0, 0, -1])
            found = site.graph.to_floats(site.op("ArgMax", rows, axis=2, keepdims=1))
            tops.append(site.graph.unsqueeze(found, [3]))
        return tops
    squares = site.op("GlobalAveragePool", site.op("Mul", x, x))
    return [_ratio(site, squares, site.op("GlobalAveragePool", x))]


def max_pool(site: Site, x: Tensor, windows: Windows, with_mask: bool) -> list[Tensor]:
    """The largest of each window and, on request, where it is: h * W + w."""
    graph = site.graph
    if windows.may_be_empty:
        if with_mask:
            raise site.refuse("a mask of pooling whose stride is larger than its kernel")
        lowest = float(np.finfo(np.float32).min)
        x = windows.filled(site, x, lowest)
        return [site.op("MaxPool", x, **windows.attributes(round_up=False))]
    made = graph.add_many("MaxPool", [x], 1 + with_mask, **windows.attributes(padded=True))
    if with_mask:
        axes = len(windows.kernel)
        plane = Size(graph, 1)
        for axis in range(-axes, 0):
            plane = plane * site.size(axis)
        made[1] = graph.to_floats(site.op("Mod", made[1], plane.tensor()))
    return made


def average_pool(site: Site, x: Tensor, windows: Windows) -> Tensor:
    """The sum of each window over its size, of which padding is part and what is beyond is not."""
    if windows.may_be_empty:
        return _filled_average(site, x, windows)
    if not any(windows.pad):
        return site.op("AveragePool", x, **windows.attributes(), count_include_pad=0)
    if windows.always_fit(site):
        return site.op("AveragePool", x, **windows.attributes(padded=True), count_include_pad=1)
    # With zeros around it the image has the padding that counts; what is beyond it does not.
    zeros = [0, 0, *windows.pad] * 2
    padded = site.op("Pad", x, site.graph.ints(zeros), site.graph.floats(0))
    y = site.op("AveragePool", padded, **windows.attributes(), count_include_pad=0)
    return windows.without_outside(site, y)


def _filled_average(site: Site, x: Tensor, windows: Windows) -> Tensor:
    """Averages where windows may be empty: those are 0."""
    graph = site.graph
    ones = graph.add("ConstantOfShape", vector(graph, [1, 1, *windows.image(site)]))
    ones = site.op("Add", ones, graph.floats(1))
    plain = windows.attributes(round_up=False)
    share = site.op("AveragePool", windows.filled(site, ones, 0.0), **plain)
    total = site.op("AveragePool", windows.filled(site, x, 0.0), **plain)
    smallest = 1 / np.prod(windows.kernel, dtype=np.float32)
    return site.op("Div", total, site.op("Max", share, graph.floats(smallest)))


def _stochastic(site: Site, windows: Windows) -> Tensor:
    """What a draw gives on average: sum of x^2 / sum of x, 0 unless the sum is positive."""
    x = site.x[0]
    return _ratio(
        site,
        average_pool(site, site.op("Mul", x, x), windows),
        average_pool(site, x, windows),
    )


def _ratio(site: Site, squares: Tensor, sums: Tensor) -> Tensor:
    zero = site.graph.floats(0)
    positive = site.op("Greater", sums, zero)
    return site.op("Where", positive, site.op("Div", squares, sums), zero)


def _planes(layer: Layer) -> Sequence[tuple[int, Sequence[int]]]:
    return [(0, (2, 3))]


@translates(SPP, fixed=_planes)
def spp(site: Site) -> list[Tensor]:
    """A pooling for each level, flattened, side by side."""
    param, (height, width) = site.layer.param.spp_param, site.shapes[0][2:]
    if param.pool == schema.SPPParameter.STOCHASTIC and site.layer.train:
        raise site.refuse("STOCHASTIC pooling draws at random, as its phase is TRAIN")
    levels = []
    for level in range(param.pyramid_height):
        bins = 2**level
        kernel = tuple(-(-size // bins) for size in (height, width))
        pad = tuple((k * bins - s + 1) // 2 for k, s in zip(kernel, (height, width), strict=True))
        windows = Windows(kernel, kernel, pad, True)
        if param.pool == schema.SPPParameter.MAX:
            y = max_pool(site, site.x[0], windows, False)[0]
        elif param.pool == schema.SPPParameter.AVE:
            y = average_pool(site, site.x[0], windows)
        else:
            y = _stochastic(site, windows)
        levels.append(y)
    if len(levels) == 1:
        return levels
    return [site.graph.concat([site.op("Flatten", y, axis=1) for y in levels], 1)]
