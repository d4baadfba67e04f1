"""Layers that arrange numbers: reshaping, cutting, joining, choosing."""

from itertools import pairwise

import numpy as np

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.sizes import Size, vector
from caffe_lite.layers.argmax import ArgMax
from caffe_lite.layers.batch_reindex import BatchReindex
from caffe_lite.layers.concat import Concat
from caffe_lite.layers.crop import Crop
from caffe_lite.layers.dummy_data import DummyData
from caffe_lite.layers.filter import Filter
from caffe_lite.layers.flatten import Flatten
from caffe_lite.layers.parameter import Parameter
from caffe_lite.layers.reshape import Reshape
from caffe_lite.layers.slice import Slice
from caffe_lite.layers.split import Split
from caffe_lite.layers.tile import Tile


@translates(Split)
def split(site: Site) -> list[Tensor]:
    return [site.x[0]] * len(site.made)


@translates(Parameter)
def parameter(site: Site) -> list[Tensor]:
    return [site.weight(0)]


@translates(DummyData)
def dummy_data(site: Site) -> list[Tensor]:
    param = site.layer.param.dummy_data_param
    if any(filler.type != "constant" for filler in param.data_filler):
        raise site.refuse(
            "it draws random numbers; give its shape with --shape to make it an input"
        )
    values = [filler.value for filler in param.data_filler] or [0.0]
    values *= len(site.made) // len(values)
    return [
        site.graph.floats(np.full(shape, value, np.float32))
        for shape, value in zip(site.made, values, strict=True)
    ]


@translates(Concat)
def concat(site: Site) -> list[Tensor]:
    param = site.layer.param.concat_param
    axis = param.concat_dim if param.HasField("concat_dim") else param.axis
    return [site.graph.concat(site.x, axis % len(site.shapes[0]))]


@translates(Slice)
def slice_(site: Site) -> list[Tensor]:
    param, tops = site.layer.param.slice_param, len(site.made)
    axis = (param.slice_dim if param.HasField("slice_dim") else param.axis) % len(site.shapes[0])
    if tops == 1:
        return [site.x[0]]
    if not param.slice_point:
        part = site.size(axis) // tops
        if part.fixed:
            return site.graph.split(site.x[0], [part.number] * tops, axis)
        sizes = vector(site.graph, [part] * tops)
        return site.graph.add_many("Split", [site.x[0], sizes], tops, axis=axis)
    cuts: list[int | Size] = [0, *param.slice_point, site.size(axis)]
    sizes = vector(site.graph, [end - begin for begin, end in pairwise(_as_sizes(site, cuts))])
    return site.graph.add_many("Split", [site.x[0], sizes], tops, axis=axis)


def _as_sizes(site: Site, cuts: list[int | Size]) -> list[Size]:
    return [cut if isinstance(cut, Size) else Size(site.graph, cut) for cut in cuts]


@translates(Flatten)
def flatten(site: Site) -> list[Tensor]:
    param, axes = site.layer.param.flatten_param, len(site.shapes[0])
    first, last = param.axis % axes, param.end_axis % axes
    joined = Size(site.graph, 1)
    for axis in range(first, last + 1):
        joined = joined * site.size(axis)
    sizes = [*site.sizes(range(first)), joined, *site.sizes(range(last + 1, axes))]
    return [site.as_shape(site.x[0], sizes)]


@translates(Reshape)
def reshape(site: Site) -> list[Tensor]:
    param, axes = site.layer.param.reshape_param, len(site.shapes[0])
    first = param.axis if param.axis >= 0 else axes + 1 + param.axis
    last = axes if param.num_axes == -1 else first + param.num_axes
    made: list[int | Size] = [*site.sizes(range(first))]
    made += [site.size(first + i) if dim == 0 else dim for i, dim in enumerate(param.shape.dim)]
    made += site.sizes(range(last, axes))
    if -1 in made:
        return [site.graph.reshape(site.x[0], vector(site.graph, made))]
    return [site.as_shape(site.x[0], made)]


@translates(Tile)
def tile(site: Site) -> list[Tensor]:
    param = site.layer.param.tile_param
    repeats = [1] * len(site.shapes[0])
    repeats[param.axis] = param.tiles
    return [site.op("Tile", site.x[0], site.graph.ints(repeats))]


@translates(Crop)
def crop(site: Site) -> list[Tensor]:
    param, axes = site.layer.param.crop_param, len(site.shapes[0])
    first = param.axis % axes
    offsets = list(param.offset) or [0]
    offsets = offsets * (axes - first) if len(offsets) == 1 else offsets
    sizes = [site.size(axis, 1) for axis in range(first, axes)]
    ends = [size + offset for size, offset in zip(sizes, offsets, strict=True)]
    where = list(range(first, axes))
    return [site.graph.slice(site.x[0], offsets, vector(site.graph, ends), where)]


@translates(ArgMax)
def argmax(site: Site) -> list[Tensor]:
    param, graph = site.layer.param.argmax_param, site.graph
    has_axis, shape = param.HasField("axis"), site.shapes[0]
    axis = param.axis % len(shape) if has_axis else 1
    x = site.x[0] if has_axis else _rows(site)
    if param.top_k == 1:
        found = site.op("ArgMax", x, axis=axis, keepdims=1, select_last_index=1)
        values = graph.reduce("ReduceMax", x, [axis])
    else:
        # Reversed, as TopK gives the first of equal values and Caffe the last.
        backward = graph.slice(x, [-1], [-(2**31)], [axis], [-1])
        values, found = graph.add_many(
            "TopK", [backward, graph.ints([param.top_k])], 2, axis=axis, largest=1, sorted=1
        )
        last = ((site.size(axis) if has_axis else _row_length(site)) - 1).tensor()
        found = site.op("Sub", last, found)
    index = graph.to_floats(found)
    if has_axis:
        return [values if param.out_max_val else index]
    rows = [index, values] if param.out_max_val else [index]
    pairs = graph.concat([graph.unsqueeze(row, [1]) for row in rows], 1)
    sizes = [site.size(0), len(rows), param.top_k, *(1,) * (len(shape) - 3)]
    return [site.as_shape(pairs, sizes)]


def _rows(site: Site) -> Tensor:
    return site.as_shape(site.x[0], [site.size(0), _row_length(site)])


def _row_length(site: Site) -> Size:
    length = Size(site.graph, 1)
    for axis in range(1, len(site.shapes[0])):
        length = length * site.size(axis)
    return length


@translates(BatchReindex)
def batch_reindex(site: Site) -> list[Tensor]:
    return [site.op("Gather", site.x[0], site.graph.to_ints(site.x[1]), axis=0)]


@translates(Filter)
def filter_(site: Site) -> list[Tensor]:
    *items, selector = site.x
    keep = site.graph.to_bools(site.graph.reshape(selector, [-1]))
    return [site.op("Compress", x, keep, axis=0) for x in items]
