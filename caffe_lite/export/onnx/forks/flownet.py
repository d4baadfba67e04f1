"""FlowNet's layers: images compared, resampled and warped."""

from collections.abc import Iterable, Sequence

import numpy as np

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.layers.elementwise import affine
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.sizes import vector
from caffe_lite.forks.flownet._filters import (
    corner_aligned,
    corner_aligned_triangles,
    resampling,
)
from caffe_lite.forks.flownet.accum import Accum
from caffe_lite.forks.flownet.channel_norm import ChannelNorm
from caffe_lite.forks.flownet.correlation import Correlation
from caffe_lite.forks.flownet.data_augmentation import DataAugmentation
from caffe_lite.forks.flownet.downsample import Downsample
from caffe_lite.forks.flownet.flow_warp import FlowWarp
from caffe_lite.forks.flownet.mean import Mean
from caffe_lite.forks.flownet.resample import Resample
from caffe_lite.layers.base import Layer
from caffe_lite.proto import schema
from caffe_lite.types import Array

Fixed = Iterable[tuple[int, Sequence[int]]]


def _sizes(layer: Layer) -> Fixed:
    """The weights of pixels are computed at the export, from the sizes of all bottoms."""
    return [(i, (2, 3)) for i in range(len(layer.param.bottom))]


def _images(layer: Layer) -> Fixed:
    """Means are repeated at the export, for all channels."""
    return [(i, (1, 2, 3)) for i in range(len(layer.param.bottom))]


@translates(ChannelNorm)
def channel_norm(site: Site) -> list[Tensor]:
    return [site.graph.reduce("ReduceL2", site.x[0], [1])]


@translates(Mean, fixed=_images)
def mean(site: Site) -> list[Tensor]:
    layer = site.layer
    if not isinstance(layer, Mean):
        raise TypeError(f"{layer.type} has no means")
    scale = layer.slope
    return [
        site.op("Add", affine(site, x, scale, 0), site.graph.floats(layer.ops.to_host(each)))
        for x, each in zip(site.x, layer.means, strict=True)
    ]


@translates(Accum, fixed=_sizes)
def accum(site: Site) -> list[Tensor]:
    reference = site.layer.param.accum_param.have_reference
    parts = []
    for x, shape in list(zip(site.x, site.shapes, strict=True))[: -1 if reference else None]:
        filters = [corner_aligned(*each) for each in zip(shape[2:], site.made[0][2:], strict=True)]
        parts.append(_filtered(site, x, filters))
    return [site.graph.concat(parts, 1)]


@translates(Resample, fixed=_sizes)
def resample(site: Site) -> list[Tensor]:
    param = site.layer.param.resample_param
    kind = schema.ResampleParameter.ResampleType.Name(param.type)
    filters = resampling(site.shapes[0][2:], site.made[0][2:], kind, param.antialias)
    return [_filtered(site, site.x[0], filters)]


@translates(Downsample, fixed=_sizes)
def downsample(site: Site) -> list[Tensor]:
    """Means of the pixels that are numbers; NaN where the others have too much weight."""
    shape, made, graph = site.shapes[0][2:], site.made[0][2:], site.graph
    if shape == made:
        return [site.x[0]]
    filters = [corner_aligned_triangles(*each) for each in zip(shape, made, strict=True)]
    unknown = site.op("IsNaN", site.x[0])
    known = graph.to_floats(site.op("Not", unknown))
    weight = _filtered(site, known, filters)
    y = _filtered(site, site.op("Where", unknown, graph.floats(0), site.x[0]), filters)
    rows, columns = (each.astype(np.float32).sum(axis=1) for each in filters)
    missing = site.op("Sub", graph.floats(rows[:, None] * columns), weight)
    lost = site.op("Greater", site.op("Div", missing, weight), graph.floats(0.5))
    return [site.op("Where", lost, graph.floats(np.nan), site.op("Div", y, weight))]


def _filtered(site: Site, x: Tensor, filters: Sequence[Array]) -> Tensor:
    """x (N, C, H, W) with its rows and columns mixed by matrices (H', H) and (W', W)."""
    rows, columns = (each.astype(np.float32) for each in filters)
    down = site.op("MatMul", site.graph.floats(rows), x)
    return site.op("MatMul", down, site.graph.floats(columns.T))


@translates(DataAugmentation, fixed=_images)
def data_augmentation(site: Site) -> list[Tensor]:
    """The middle of the image, less a mean that is known by now."""
    param, y = site.layer.param.augmentation_param, site.x[0]
    for axis, (size, part) in enumerate(zip(site.shapes[0][2:], site.made[0][2:], strict=True), 2):
        if size != part:
            y = _middle(site, y, axis, size - part, part)
    if param.recompute_mean:
        passes = float(site.values(0).reshape(()))
        if passes < param.recompute_mean:
            raise site.refuse(
                f"its mean is computed in the first {param.recompute_mean} passes "
                f"(recompute_mean), of which its weights have {passes:g}"
            )
        return [site.op("Sub", y, site.weight(1 if param.mean_per_pixel else 2))]
    if param.mean and not param.mean_per_pixel:
        y = site.op("Sub", y, site.per_channel(np.array(param.mean, np.float32)))
    return [y]


def _middle(site: Site, y: Tensor, axis: int, room: int, part: int) -> Tensor:
    """The middle `part` of an axis; where it lies between two places, the mean of both."""
    starts = sorted({room // 2, -(-room // 2)})
    parts = [site.graph.slice(y, [start], [start + part], [axis]) for start in starts]
    if len(parts) == 1:
        return parts[0]
    return affine(site, site.op("Add", *parts), 0.5, 0)


@translates(Correlation)
def correlation(site: Site) -> list[Tensor]:
    """For each shift, products summed over channels and averaged over the taps of the kernel."""
    param, graph = site.layer.param.correlation_param, site.graph
    kernel, stride, reach = param.kernel_size, param.stride_1, param.max_displacement
    pads = graph.ints([0, 0, param.pad, param.pad] * 2)
    a, b = (site.op("Pad", x, pads, graph.floats(0)) for x in site.x)
    border = 2 * reach + kernel - 1
    # The pixels under all kernels: H' = ceil((H - border) / stride) of them, a stride apart.
    spans = [
        (side + (2 * param.pad - border + stride - 1)) // stride * stride + (kernel - stride)
        for side in (site.size(2), site.size(3))
    ]

    def window(x: Tensor, down: int, right: int) -> Tensor:
        starts = [reach + down, reach + right]
        ends = [span + start for span, start in zip(spans, starts, strict=True)]
        return graph.slice(x, starts, vector(graph, ends), [2, 3])

    still = window(a, 0, 0)
    steps = reach // param.stride_2
    shifts = [step * param.stride_2 for step in range(-steps, steps + 1)]
    multiplies = param.correlation_type == schema.CorrelationParameter.MULTIPLY
    planes = []
    for down in shifts:
        for right in shifts:
            moved = window(b, down, right)
            if multiplies:
                product = site.op("Mul", still, moved)
            else:
                product = site.op("Abs", site.op("Sub", still, moved))
            planes.append(graph.reduce("ReduceMean", product, [1]))
    y = graph.concat(planes, 1)
    if kernel > 1 or stride > 1:
        y = site.op("AveragePool", y, kernel_shape=[kernel] * 2, strides=[stride] * 2)
    return [y]


@translates(FlowWarp)
def flow_warp(site: Site) -> list[Tensor]:
    """The four pixels around each place, fetched from the flattened image."""
    graph = site.graph
    height, width = site.size(2), site.size(3)
    across, down = graph.split(site.x[1], [1, 1], 1)
    column = site.op("Add", across, _numbers(site, 3, [0, 1, 2]))
    row = site.op("Add", down, _numbers(site, 2, [0, 1, 3]))
    zero = graph.floats(0)
    inside = site.op("GreaterOrEqual", column, zero)
    for condition in (
        site.op("GreaterOrEqual", row, zero),
        site.op("Less", column, graph.to_floats(width.tensor())),
        site.op("Less", row, graph.to_floats(height.tensor())),
    ):
        inside = site.op("And", inside, condition)
    places = []
    for place, size in ((column, width), (row, height)):
        safe = site.op("Where", inside, place, zero)
        first = site.op("Floor", safe)
        part = site.op("Sub", safe, first)
        number = graph.to_ints(first)
        last = (size - 1).tensor()
        after = site.op("Min", site.op("Add", number, graph.ints(1)), last)
        rest = site.op("Sub", graph.floats(1), part)
        places.append(((number, rest), (after, part)))
    y = ""
    for r, weight_r in places[1]:
        for c, weight_c in places[0]:
            at = site.op("Add", site.op("Mul", r, width.tensor()), c)
            term = site.op("Mul", site.op("Mul", weight_c, weight_r), _fetched(site, at))
            y = site.op("Add", y, term) if y else term
    zeros = site.layer.param.flow_warp_param.fill_value == schema.FlowWarpParameter.ZERO
    return [site.op("Where", inside, y, graph.floats(0.0 if zeros else np.nan))]


def _numbers(site: Site, axis: int, others: list[int]) -> Tensor:
    """0, 1, ... along an axis of the first bottom."""
    graph = site.graph
    count = graph.add("Range", graph.ints(0), site.size(axis).scalar(), graph.ints(1))
    return graph.unsqueeze(graph.to_floats(count), others)


def _fetched(site: Site, at: Tensor) -> Tensor:
    """The pixels of the image at the places `at` (N, 1, H, W), in all channels."""
    graph = site.graph
    flat = graph.reshape(site.x[0], [0, 0, -1])
    where = site.op("Expand", graph.reshape(at, [0, 0, -1]), site.op("Shape", flat))
    pixels = site.op("GatherElements", flat, where, axis=2)
    return site.op("Reshape", pixels, site.op("Shape", site.x[0]))
