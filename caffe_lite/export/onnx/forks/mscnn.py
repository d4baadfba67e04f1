"""Layers of MS-CNN and Cascade R-CNN: proposals of several maps, regions moved and interpolated."""

from collections.abc import Iterable, Sequence

import numpy as np

from caffe_lite.export.onnx.boxes import Suppression, column, decoded
from caffe_lite.export.onnx.builder import Graph, Tensor
from caffe_lite.export.onnx.regions import over_regions, point_weights
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.sizes import Size
from caffe_lite.forks.mscnn._codes import normalization
from caffe_lite.forks.mscnn.box_output import BoxOutput
from caffe_lite.forks.mscnn.decode_bbox import DecodeBBox
from caffe_lite.forks.mscnn.hard_mining import HardMining
from caffe_lite.forks.mscnn.proposal_target import ProposalTarget
from caffe_lite.forks.mscnn.roi_align import GridAlign
from caffe_lite.layers.base import Layer


@translates(GridAlign)
def grid_align(site: Site) -> list[Tensor]:
    """Points at the corners of a region's windows, interpolated between pixels."""
    param = site.layer.param.roi_pooling_param
    counts = (param.pooled_h + 1, param.pooled_w + 1)

    def aligned(body: Graph, image: Tensor, corners: list[Tensor], size: list[Tensor]) -> Tensor:
        x1, y1, x2, y2 = corners
        ratio, scale = param.pad_ratio, param.spatial_scale
        rows = _corner_points(body, (y1, y2), (ratio, scale), counts[0], size[0])
        columns = _corner_points(body, (x1, x2), (ratio, scale), counts[1], size[1])
        across = body.add("MatMul", image, body.transpose(columns, [1, 0]))
        return body.add("MatMul", rows, across)

    return [over_regions(site, aligned)]


def _corner_points(
    body: Graph, side: tuple[Tensor, Tensor], factors: tuple[float, float], count: int, size: Tensor
) -> Tensor:
    """The weight (count, size) of each pixel in the points along one side of a region."""
    (first, last), (ratio, scale) = side, factors
    half = body.floats(0.5)
    sides = body.add("Add", body.add("Sub", last, first), body.floats(1))
    pad = body.add("Mul", sides, body.floats(ratio))

    def place(corner: Tensor) -> Tensor:
        return body.add("Sub", body.add("Mul", corner, body.floats(scale)), half)

    begin = place(body.add("Sub", first, pad))
    length = body.add("Sub", place(body.add("Add", last, pad)), begin)
    step = body.add("Div", length, body.floats(count - 1))
    places = body.add("Add", begin, body.add("Mul", body.floats(np.arange(count)), step))
    weights = point_weights(body, places, size, -0.5, -0.5)
    some = body.to_floats(body.add("Greater", length, body.floats(0)))
    return body.add("Mul", weights, some)


@translates(DecodeBBox)
def decode_bbox(site: Site) -> list[Tensor]:
    if site.layer.train:
        raise site.refuse("it leaves regions out while training, as its phase is TRAIN")
    graph = site.graph
    mean, deviation = normalization(site.layer)
    codes = graph.slice(graph.reshape(site.x[0], [-1, 8]), [4], [8], [1])
    codes = site.op("Add", site.op("Mul", codes, graph.floats(deviation)), graph.floats(mean))
    image, corners = graph.split(graph.reshape(site.x[1], [-1, 5]), [1, 4], 1)
    boxes = decoded(graph, "CENTER_SIZE", codes, corners, 1)
    boxes = site.op("Sub", boxes, graph.floats([0, 0, 1, 1]))
    return [graph.unsqueeze(graph.concat([image, boxes], 1), [2, 3])]


def _maps(layer: Layer) -> Iterable[tuple[int, Sequence[int]]]:
    """The centres of cells are computed at the export."""
    return [(i, (1, 2, 3)) for i in range(len(layer.param.bottom))]


@translates(BoxOutput, fixed=_maps)
def box_output(site: Site) -> list[Tensor]:
    """The boxes of all maps, suppressed image by image. Without any, one region stands in."""
    layer, graph = site.layer, site.graph
    if not isinstance(layer, BoxOutput):
        raise TypeError(f"{layer.type} proposes no boxes")
    param = layer.param.box_output_param
    if param.nms_type != "IOU":
        raise site.refuse(f"nms_type {param.nms_type}; ONNX suppresses by IOU alone")
    found = [_boxes_of_map(site, layer, i) for i in range(len(site.x))]
    boxes, scores = (graph.concat([each[i] for each in found], 1) for i in (0, 1))
    count = sum(shape[2] * shape[3] for shape in site.shapes)
    rule = Suppression(
        param.iou_thr,
        candidates=param.max_nms_num or -1,
        limit=param.max_post_nms_num or -1,
    )
    by_class = graph.unsqueeze(scores, [1])
    kept = rule.select(graph, boxes, by_class, Size(graph, count))
    image, box = column(graph, kept, 0), column(graph, kept, 2)
    corners = site.op("GatherND", boxes, graph.concat([image, box], 1))
    score = graph.unsqueeze(site.op("GatherND", by_class, kept), [1])
    number = graph.to_floats(image)
    rows = [graph.concat([number, corners], 1), graph.concat([number, corners, score], 1)]
    instead = ([0, 1, 1, 10, 10], [0] * 6)
    return [
        graph.unsqueeze(_or_instead(graph, each, row), [2, 3])
        for each, row in zip(rows[: len(site.made)], instead, strict=False)
    ]


def _or_instead(graph: Graph, rows: Tensor, row: Sequence[float]) -> Tensor:
    """`rows`, or the one `row` if there are none."""
    count = graph.add("Shape", rows, start=0, end=1)
    missing = graph.to_ints(graph.add("Equal", count, graph.ints([0])))
    return graph.concat([rows, graph.slice(graph.floats([row]), [0], missing, [0])], 0)


def _boxes_of_map(site: Site, layer: BoxOutput, i: int) -> tuple[Tensor, Tensor]:
    """Boxes (N, H * W, 4) of a map and their scores (N, H * W), -inf for those that are out."""
    graph, field, param = site.graph, layer.fields[i], layer.param.box_output_param
    channels, height, width = site.shapes[i][1:]
    scores, codes = graph.split(site.x[i], [channels - 4, 4], 1)
    background, objects = graph.split(scores, [1, channels - 5], 1)
    score = site.op("Sub", graph.reduce("ReduceMax", objects, [1]), background)
    mean, deviation = (values[:, None, None] for values in normalization(layer))
    codes = site.op("Add", site.op("Mul", codes, graph.floats(deviation)), graph.floats(mean))
    least, largest = (graph.floats(limit[:, None, None]) for limit in field.limits())
    dx, dy, dw, dh = graph.split(site.op("Min", site.op("Max", codes, least), largest), [1] * 4, 1)
    x, y = field.centers(height, width)
    sides = []
    for center, offset, scale, side, room in (
        (x, dx, dw, field.width, width * field.step),
        (y, dy, dh, field.height, height * field.step),
    ):
        length = site.op("Mul", site.op("Exp", scale), graph.floats(side))
        begin = site.op("Add", site.op("Mul", offset, graph.floats(side)), graph.floats(center))
        begin = site.op("Sub", begin, site.op("Mul", length, graph.floats(0.5)))
        begin = site.op("Max", begin, graph.floats(0))
        length = site.op("Min", length, site.op("Sub", graph.floats(room), begin))
        sides.append((begin, length))
    (left, across), (top, down) = sides
    corners = [left, top, site.op("Add", left, across), site.op("Add", top, down)]
    good = site.op("GreaterOrEqual", score, graph.floats(param.fg_thr))
    for each in (across, down):
        large = site.op("GreaterOrEqual", each, graph.floats(param.min_size))
        good = site.op("And", good, large)
    score = site.op("Where", good, score, graph.floats(-np.inf))
    rows = graph.reshape(graph.transpose(graph.concat(corners, 1), [0, 2, 3, 1]), [0, -1, 4])
    return rows, graph.reshape(score, [0, -1])


@translates(ProposalTarget, HardMining)
def regions_to_train_on(site: Site) -> list[Tensor]:
    raise site.refuse("it chooses regions to train on")
