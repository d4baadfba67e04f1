"""Layers that move, cut and join, without arithmetic."""

from caffe_lite.export.torch.registry import Code, Site, emits
from caffe_lite.layers.batch_reindex import BatchReindex
from caffe_lite.layers.concat import Concat
from caffe_lite.layers.crop import Crop
from caffe_lite.layers.filter import Filter
from caffe_lite.layers.flatten import Flatten
from caffe_lite.layers.reshape import Reshape
from caffe_lite.layers.slice import Slice
from caffe_lite.layers.split import Split
from caffe_lite.layers.tile import Tile


@emits(Concat)
def concat(site: Site) -> Code:
    param = site.param.concat_param
    axis = site.axis(param.concat_dim if param.HasField("concat_dim") else param.axis)
    if len(site.x) == 1:
        return Code(site.x[0])
    return Code(f"torch.cat([{', '.join(site.x)}], {axis})")


@emits(Slice)
def slices(site: Site) -> Code:
    param, (x,) = site.param.slice_param, site.x
    axis = site.axis(param.slice_dim if param.HasField("slice_dim") else param.axis)
    count = len(site.top_shapes)
    if count == 1:
        return Code(x)
    if not param.slice_point:
        return Code(f"{x}.chunk({count}, {axis})")
    points = ", ".join(map(str, param.slice_point))
    return Code(f"{x}.tensor_split([{points}], {axis})")


@emits(Split)
def split(site: Site) -> Code:
    return Code(", ".join(site.x * len(site.top_shapes)))


@emits(Flatten)
def flatten(site: Site) -> Code:
    param, (x,) = site.param.flatten_param, site.x
    first, last = site.axis(param.axis), site.axis(param.end_axis)
    if last < first:  # an axis of size 1 is inserted
        return Code(f"{x}.unsqueeze({first})")
    if last == first:
        return Code(x)
    end = "" if last == len(site.shape) - 1 else f", {last}"
    return Code(f"{x}.flatten({first}{end})")


@emits(Reshape)
def reshape(site: Site) -> Code:
    """Each dim 0 is the bottom's size; axes before `axis` and after `num_axes` stay."""
    param, (x,), ndim = site.param.reshape_param, site.x, len(site.shape)
    first = param.axis if param.axis >= 0 else ndim + 1 + param.axis
    last = ndim if param.num_axes == -1 else first + param.num_axes
    dims = [f"{x}.shape[{i}]" for i in range(first)]
    for i, dim in enumerate(param.shape.dim):
        dims.append(f"{x}.shape[{first + i}]" if dim == 0 else str(dim))
    dims += [f"{x}.shape[{i}]" for i in range(last, ndim)]
    return Code(f"{x}.reshape({', '.join(dims) or '()'})")


@emits(Crop)
def crop(site: Site) -> Code:
    param, (x, reference), ndim = site.param.crop_param, site.x, len(site.shape)
    axis = site.axis(param.axis)
    offsets = list(param.offset) or [0]
    offsets = offsets * (ndim - axis) if len(offsets) == 1 else offsets
    parts = [":"] * axis
    for i, offset in enumerate(offsets, axis):
        size = f"{reference}.shape[{i}]"
        parts.append(f"{offset} : {offset} + {size}" if offset else f":{size}")
    return Code(f"{x}[{', '.join(parts)}]")


@emits(Filter)
def filter_items(site: Site) -> Code:
    *items, selector = site.x
    return Code(", ".join(f"{x}[{selector}.flatten() != 0]" for x in items))


@emits(BatchReindex)
def batch_reindex(site: Site) -> Code:
    x, index = site.x
    return Code(f"{x}[{index}.long()]")


@emits(Tile)
def tile(site: Site) -> Code:
    param, (x,) = site.param.tile_param, site.x
    return Code(f"torch.cat([{x}] * {param.tiles}, {site.axis(param.axis)})")
