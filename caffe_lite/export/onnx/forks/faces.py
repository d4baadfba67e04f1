"""Layers of face recognition: unit lengths, distances, products with given weights."""

import numpy as np

from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.layers.elementwise import affine
from caffe_lite.export.onnx.layers.normalization import scale as caffes_scale
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.forks.faces.flip import Flip
from caffe_lite.forks.faces.inner_distance import InnerDistance
from caffe_lite.forks.faces.inner_product import ScaledInnerProduct
from caffe_lite.forks.faces.label_specific_add import LabelSpecificAdd
from caffe_lite.forks.faces.margin_inner_product import MarginInnerProduct
from caffe_lite.forks.faces.normalize import ChannelNormalize
from caffe_lite.forks.faces.parameter import FilledParameter
from caffe_lite.forks.faces.scale import LimitedScale
from caffe_lite.forks.faces.soft_truncation import SoftTruncation
from caffe_lite.types import Array

_LENGTH_EPSILON = 1e-6  # under the root of the length of a row of weights


@translates(Flip)
def flip(site: Site) -> list[Tensor]:
    param = site.layer.param.flip_param
    axes = [axis for axis, flag in ((2, param.flip_height), (3, param.flip_width)) if flag]
    return [reversed_axes(site, axes)] if axes else [site.x[0]]


def reversed_axes(site: Site, axes: list[int]) -> Tensor:
    """The first bottom with these axes reversed."""
    count = len(axes)
    return site.graph.slice(site.x[0], [-1] * count, [-(2**31)] * count, axes, [-1] * count)


@translates(FilledParameter)
def parameter(site: Site) -> list[Tensor]:
    return [site.weight(0)]


@translates(LimitedScale)
def limited_scale(site: Site) -> list[Tensor]:
    """The factor is cut to its limits here, as every forward pass does it."""
    param = site.layer.param.scale_param
    if len(site.x) > 1:
        raise site.refuse("it overwrites its second bottom with the limited factor")
    least = param.min_value if param.HasField("min_value") else -np.inf
    most = param.max_value if param.HasField("max_value") else np.inf
    blob = site.layer.blobs[0]
    blob.load(np.clip(site.values(0), least, most))
    return caffes_scale(site)


@translates(SoftTruncation)
def soft_truncation(site: Site) -> list[Tensor]:
    y = site.op("Exp", affine(site, site.x[0], -1 / site.layer.param.soft_truncation_param.c, 0))
    return [site.op("Sub", site.graph.floats(1), y)]


@translates(ChannelNormalize)
def channel_normalize(site: Site) -> list[Tensor]:
    param, x = site.layer.param, site.x[0]
    kind = param.normalize_param.normalize_type
    if param.softmax_param.HasField("normalize_type"):
        kind = param.softmax_param.normalize_type
    if kind == "L2":
        sums = site.graph.reduce("ReduceSum", site.op("Mul", x, x), [1])
        norm = site.op("Sqrt", affine(site, sums, 1, 1e-12))
    else:
        norm = affine(site, site.graph.reduce("ReduceSum", site.op("Abs", x), [1]), 1, 1e-6)
    return [site.op("Div", x, norm), norm][: len(site.made)]


@translates(LabelSpecificAdd)
def label_specific_add(site: Site) -> list[Tensor]:
    """While testing the scores are passed on; the second top is the constant bias."""
    if site.layer.train:
        raise site.refuse("it adds a margin to the scores of labels, as its phase is TRAIN")
    constants = [site.graph.floats(a) for a in site.folded()[1:]]
    return [site.x[0], *constants]


@translates(MarginInnerProduct)
def margin_inner_product(site: Site) -> list[Tensor]:
    raise site.refuse(
        "it needs labels, and its margin changes with every pass; take an InnerProduct of the "
        "same weights"
    )


@translates(ScaledInnerProduct)
def scaled_inner_product(site: Site) -> list[Tensor]:
    param = site.layer.param.inner_product_param
    axis = param.axis % len(site.shapes[0])
    x = site.op("Flatten", site.x[0], axis=axis)
    if len(site.x) > 1:
        weight = site.op("Flatten", site.x[1], axis=1)
    elif param.normalize:
        weight = site.weight_as(0, _unit_rows(site.values(0)))
    else:
        weight = site.weight_as(0, site.values(0))
    bias = _bias(site, len(site.x) > 2, param.bias_term)
    y = site.op("Gemm", x, weight, *bias, transB=int(not param.transpose))
    return [_by_items(site, y, axis)]


def _bias(site: Site, given: bool, learned: bool) -> list[Tensor]:
    if given:
        return [site.graph.reshape(site.x[2], [-1])]
    return [site.weight(len(site.layer.blobs) - 1)] if learned else []


def _unit_rows(weight: Array) -> Array:
    lengths: Array = np.sqrt((weight * weight).sum(axis=1, keepdims=True) + _LENGTH_EPSILON)
    return weight / lengths


def _by_items(site: Site, y: Tensor, axis: int) -> Tensor:
    """y (items, N) with the axes of the bottom before `axis`."""
    return y if axis == 1 else site.as_shape(y, [*site.sizes(range(axis)), site.made[0][-1]])


@translates(InnerDistance)
def inner_distance(site: Site) -> list[Tensor]:
    param, graph = site.layer.param.inner_distance_param, site.graph
    axis = param.axis % len(site.shapes[0])
    given = len(site.x) - param.update_center_only == 2
    if given:
        weight = graph.unsqueeze(site.op("Flatten", site.x[1], axis=1), [0])
    else:
        values = site.values(0)
        weight = site.weight_as(0, (_unit_rows(values) if param.normalize else values)[None])
    items = graph.unsqueeze(site.op("Flatten", site.x[0], axis=axis), [1])
    difference = site.op("Sub", items, weight)
    op = "ReduceL1" if param.distance_type == "L1" else "ReduceSumSquare"
    return [_by_items(site, graph.reduce(op, difference, [2], keep=False), axis)]
