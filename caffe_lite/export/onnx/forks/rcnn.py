"""Layers of Faster R-CNN and R-FCN: dropout, and features pooled in regions."""

import numpy as np

from caffe_lite.export.onnx.boxes import Suppression, column, decoded, halves
from caffe_lite.export.onnx.builder import Graph, Tensor
from caffe_lite.export.onnx.layers.elementwise import affine
from caffe_lite.export.onnx.layers.elementwise import dropout as caffes_dropout
from caffe_lite.export.onnx.regions import over_regions, point_weights, rounded
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.sizes import Size, vector
from caffe_lite.forks.rcnn._proposals import Proposals
from caffe_lite.forks.rcnn.box_annotator_ohem import BoxAnnotatorOHEM
from caffe_lite.forks.rcnn.dropout import UnscaledDropout
from caffe_lite.forks.rcnn.proposal import Proposal
from caffe_lite.forks.rcnn.psroi_pooling import PSROIPooling
from caffe_lite.forks.rcnn.roi_align import ROIAlign
from caffe_lite.forks.rcnn.roi_pooling import ROIPooling


@translates(UnscaledDropout)
def unscaled_dropout(site: Site) -> list[Tensor]:
    param = site.layer.param.dropout_param
    if site.layer.train or param.scale_train:
        return caffes_dropout(site)
    return [affine(site, site.x[0], 1 - param.dropout_ratio, 0)]


@translates(ROIPooling)
def roi_pooling(site: Site) -> list[Tensor]:
    param, graph = site.layer.param.roi_pooling_param, site.graph
    sizes = list(param.pooled_size)
    height, width = (sizes[0], sizes[-1]) if sizes else (param.pooled_h, param.pooled_w)
    regions = site.graph.reshape(site.x[1], [-1, 5])
    if param.pad_ratio:
        image, first, last = graph.split(regions, [1, 2, 2], 1)
        sides = affine(site, site.op("Sub", last, first), 1, 1)
        pad = affine(site, sides, param.pad_ratio, 0)
        corners = [site.op("Sub", first, pad), site.op("Add", last, pad)]
        regions = graph.concat([image, *corners], 1)
    y = site.op(
        "MaxRoiPool",
        site.x[0],
        regions,
        pooled_shape=[height, width],
        spatial_scale=param.spatial_scale,
    )
    return [y]


@translates(PSROIPooling)
def psroi_pooling(site: Site) -> list[Tensor]:
    """The mean of each window, taken from its own channels: rows and columns as weights."""
    param = site.layer.param.psroi_pooling_param
    dim, side, scale = param.output_dim, param.group_size, param.spatial_scale

    def pooled(body: Graph, image: Tensor, corners: list[Tensor], size: list[Tensor]) -> Tensor:
        x1, y1, x2, y2 = corners
        rows = _window_means(body, y1, y2, scale, side, size[0])
        columns = _window_means(body, x1, x2, scale, side, size[1])
        shape = body.concat([body.ints([dim, side, side]), *size], 0)
        parts = body.reshape(image, shape)
        across = body.reduce("ReduceSum", body.add("Mul", parts, body.unsqueeze(columns, [1])), [4])
        down = body.add("Mul", across, body.unsqueeze(rows, [1, 3]))
        return body.reduce("ReduceSum", down, [3, 4], keep=False)

    return [over_regions(site, pooled)]


def _window_means(
    body: Graph, first: Tensor, last: Tensor, scale: float, count: int, size: Tensor
) -> Tensor:
    """The weight (count, size) of each pixel in the mean of each window along one side."""
    one, zero = body.floats(1), body.floats(0)
    begin = body.add("Mul", rounded(body, first), body.floats(scale))
    end = body.add("Mul", body.add("Add", rounded(body, last), one), body.floats(scale))
    length = body.add("Max", body.add("Sub", end, begin), body.floats(0.1))
    step = body.add("Div", length, body.floats(count))
    i = body.floats(np.arange(count)[:, None])
    most = body.to_floats(size)
    edges = []
    for op, number in (("Floor", i), ("Ceil", body.add("Add", i, one))):
        edge = body.add(op, body.add("Add", body.add("Mul", number, step), begin))
        edges.append(body.add("Max", body.add("Min", edge, most), zero))
    pixel = body.to_floats(body.add("Range", body.ints(0), body.squeeze(size, [0]), body.ints(1)))
    inside = body.add(
        "And",
        body.add("GreaterOrEqual", pixel, edges[0]),
        body.add("Less", pixel, edges[1]),
    )
    count_inside = body.add("Max", body.add("Sub", edges[1], edges[0]), one)
    return body.add("Div", body.to_floats(inside), count_inside)


@translates(ROIAlign)
def roi_align(site: Site) -> list[Tensor]:
    """ceil(side) points of each window, interpolated: as many as the region needs."""
    param = site.layer.param.roi_align_param
    counts, scale = (param.pooled_h, param.pooled_w), param.spatial_scale

    def aligned(body: Graph, image: Tensor, corners: list[Tensor], size: list[Tensor]) -> Tensor:
        x1, y1, x2, y2 = corners
        rows = _mean_points(body, y1, y2, scale, counts[0], size[0])
        columns = _mean_points(body, x1, x2, scale, counts[1], size[1])
        across = body.add("MatMul", image, body.transpose(columns, [1, 0]))
        return body.add("MatMul", rows, across)

    return [over_regions(site, aligned)]


def _mean_points(
    body: Graph, first: Tensor, last: Tensor, scale: float, count: int, size: Tensor
) -> Tensor:
    """The weight (count, size) of each pixel in the mean of each window's points."""
    begin = body.add("Mul", first, body.floats(scale))
    length = body.add("Sub", body.add("Mul", last, body.floats(scale)), begin)
    step = body.add("Div", body.add("Max", length, body.floats(1)), body.floats(count))
    points = body.add("Ceil", step)
    numbers = body.add("Range", body.floats(0), points, body.floats(1))
    at = body.add("Div", body.add("Add", numbers, body.floats(0.5)), points)
    at = body.add("Add", body.floats(np.arange(count)[:, None]), at)
    places = body.add("Add", begin, body.add("Mul", at, step))
    weights = point_weights(body, places, size, -1.0, 0.0)
    return body.reduce("ReduceMean", weights, [1], keep=False)


@translates(Proposal)
def proposal(site: Site) -> list[Tensor]:
    """Boxes decoded from the anchors of all cells, cut to the image, suppressed image by image."""
    layer = site.layer
    if not isinstance(layer, Proposal):
        raise TypeError(f"{layer.type} proposes no regions")
    regions, scores = proposed(site, layer.rule)
    return [regions, site.graph.squeeze(scores, [1])][: len(site.made)]


def proposed(site: Site, rule: Proposals) -> tuple[Tensor, Tensor]:
    """Regions (R, 5) and their scores (R, 1)."""
    graph = site.graph
    count = len(rule.anchors)
    images, height, width = site.size(0), site.size(2), site.size(3)
    boxes_of_image = height * width * count
    objects = graph.slice(site.x[0], [count], [2 * count], [1])
    scores = site.as_shape(graph.transpose(objects, [0, 2, 3, 1]), [images, boxes_of_image])
    codes = site.as_shape(graph.transpose(site.x[1], [0, 2, 3, 1]), [images, boxes_of_image, 4])
    anchors = _anchors(graph, rule, height, width)
    boxes = _cut(site, decoded(graph, "CENTER_SIZE", codes, anchors, 1))
    large = _large(site, rule, boxes)
    scores = site.op("Where", large, scores, graph.floats(0 if rule.keep_small else -np.inf))
    if not rule.keep_small:
        boxes, scores = _with_whole_image(site, boxes, scores)
        boxes_of_image = boxes_of_image + 1
    suppression = Suppression(
        rule.overlap,
        candidates=rule.candidates if rule.candidates > 0 else -1,
        limit=rule.kept if rule.kept > 0 else -1,
        extent=1,
    )
    by_class = graph.unsqueeze(scores, [1])
    found = suppression.select(graph, boxes, by_class, boxes_of_image)
    image, box = column(graph, found, 0), column(graph, found, 2)
    corners = site.op("GatherND", boxes, graph.concat([image, box], 1))
    regions = graph.concat([graph.to_floats(image), corners], 1)
    return regions, graph.unsqueeze(site.op("GatherND", by_class, found), [1])


def _with_whole_image(site: Site, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """One box more for each image, all of it, which counts if no other does."""
    graph = site.graph
    one, images = graph.floats(1), vector(graph, [site.size(0), 1])
    bottom, right = (site.op("Expand", site.op("Sub", _info(site, i), one), images) for i in (0, 1))
    zero = site.op("Expand", graph.floats(0), images)
    whole = graph.unsqueeze(graph.concat([zero, zero, right, bottom], 1), [1])
    some = site.op("Greater", graph.reduce("ReduceMax", scores, [1]), graph.floats(-np.inf))
    score = site.op("Where", some, graph.floats(-np.inf), graph.floats(0))
    return graph.concat([boxes, whole], 1), graph.concat([scores, score], 1)


def _anchors(graph: Graph, rule: Proposals, height: Size, width: Size) -> Tensor:
    """The anchors (H * W * A, 4) of all cells."""
    shape = vector(graph, [height, width, 1, 1])
    shifts = []
    down, right = rule.stride
    for size, step, axes in ((width, right, [0, 2, 3]), (height, down, [1, 2, 3])):
        cells = graph.to_floats(graph.add("Range", graph.ints(0), size.scalar(), graph.ints(1)))
        cells = graph.add("Mul", cells, graph.floats(step))
        shifts.append(graph.add("Expand", graph.unsqueeze(cells, axes), shape))
    shift = graph.concat(shifts * 2, 3)
    return graph.reshape(graph.add("Add", shift, graph.floats(rule.anchors)), [-1, 4])


def _info(site: Site, i: int) -> Tensor:
    """Column `i` of the images' heights, widths and scales, (N or 1, 1)."""
    rows = site.graph.reshape(site.x[2], [0, -1])
    columns = int(np.prod(site.shapes[2][1:]))
    return site.graph.slice(rows, [i % columns], [i % columns + 1], [1])


def _cut(site: Site, boxes: Tensor) -> Tensor:
    """Boxes (N, P, 4) cut to their images."""
    graph, one = site.graph, site.graph.floats(1)
    bottom, right = (graph.unsqueeze(site.op("Sub", _info(site, i), one), [2]) for i in (0, 1))
    sides = []
    for i, most in enumerate([right, bottom] * 2):
        side = graph.slice(boxes, [i], [i + 1], [2])
        sides.append(site.op("Min", site.op("Max", side, graph.floats(0)), most))
    return graph.concat(sides, 2)


def _large(site: Site, rule: Proposals, boxes: Tensor) -> Tensor:
    """Whether (N, P) no side of a box is too short."""
    graph = site.graph
    low, high = halves(graph, boxes)
    across, down = graph.split(affine(site, site.op("Sub", high, low), 1, 1), [1, 1], 2)
    enough = [
        site.op(
            "GreaterOrEqual",
            graph.squeeze(side, [2]),
            site.op("Mul", _info(site, i), graph.floats(least)),
        )
        for side, least, i in ((down, rule.min_size[0], 2), (across, rule.min_size[1], -1))
    ]
    return site.op("And", *enough)


@translates(BoxAnnotatorOHEM)
def box_annotator(site: Site) -> list[Tensor]:
    raise site.refuse("it chooses regions to train on")
