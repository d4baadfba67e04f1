"""YOLO's layers: reordered pixels, and detections of its maps."""

from collections.abc import Iterable, Sequence

import numpy as np

from caffe_lite.export.onnx.boxes import Suppression, column, detection_rows
from caffe_lite.export.onnx.builder import Tensor
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.sizes import Size
from caffe_lite.forks.yolo.mish import Mish
from caffe_lite.forks.yolo.reorg import Reorg
from caffe_lite.forks.yolo.yolo_detection_output import YoloDetectionOutput
from caffe_lite.forks.yolo.yolov3_detection_output import (
    GAUSSIAN,
    PLAIN,
    Yolov3DetectionOutput,
)
from caffe_lite.layers.base import Layer
from caffe_lite.types import Array

Fixed = Iterable[tuple[int, Sequence[int]]]


@translates(Mish)
def mish(site: Site) -> list[Tensor]:
    """ONNX has Mish itself from operator set 18 on."""
    (x,) = site.x
    return [site.op("Mul", x, site.op("Tanh", site.op("Softplus", x)))]


def _channels(layer: Layer) -> Fixed:
    return [(0, (1,))]


@translates(Reorg, fixed=_channels)
def reorg(site: Site) -> list[Tensor]:
    """Two views of the same numbers: pixels that lie apart, and planes."""
    param, channels = site.layer.param.reorg_param, site.shapes[0][1]
    s, inner = param.stride, channels // param.stride**2
    number, height, width = site.size(0), site.size(2), site.size(3)
    if param.reverse:
        planes = site.as_shape(site.x[0], [number, s, s, inner, height, width])
        moved = site.graph.transpose(planes, [0, 3, 4, 1, 5, 2])
        return [site.as_shape(moved, [number, inner, height * s, width * s])]
    pixels = site.as_shape(site.x[0], [number, inner, height, s, width, s])
    moved = site.graph.transpose(pixels, [0, 3, 5, 1, 2, 4])
    return [site.as_shape(moved, [number, channels * s * s, height // s, width // s])]


def _maps(layer: Layer) -> Fixed:
    """The places of cells are computed at the export."""
    return [(i, (2, 3)) for i in range(len(layer.param.bottom))]


@translates(YoloDetectionOutput, fixed=_maps)
def yolo_detection_output(site: Site) -> list[Tensor]:
    """A box counts once, for its best class."""
    layer, graph = site.layer, site.graph
    if not isinstance(layer, YoloDetectionOutput):
        raise TypeError(f"{layer.type} has no cells")
    param = layer.options
    candidates = []
    for i in range(len(site.x)):
        x = _by_cell(site, i, param.num_box)
        classes = site.op("Softmax", _numbers(site, x, 5, None), axis=-1)
        best = graph.reduce("ReduceMax", classes, [4])
        label = site.op("ArgMax", classes, axis=4, keepdims=1)
        score = site.op("Mul", site.op("Sigmoid", _numbers(site, x, 4, 5)), best)
        box = _placed(site, i, x, ([0, 1], [2, 3]), layer.anchors, 1)
        candidates.append((label, score, box))
    least = float(np.nextafter(np.float32(param.confidence_threshold), np.float32(-np.inf)))
    return [_detections(site, candidates, least, param.nms_threshold, 1)]


@translates(Yolov3DetectionOutput, fixed=_maps)
def yolov3_detection_output(site: Site) -> list[Tensor]:
    """A box counts for every class that it scores enough for."""
    layer, graph = site.layer, site.graph
    if not isinstance(layer, Yolov3DetectionOutput):
        raise TypeError(f"{layer.type} has no cells")
    param = layer.options
    position, size, object_at = GAUSSIAN if param.gaussian_box else PLAIN
    candidates = []
    for i, (anchors, cell) in enumerate(zip(layer.anchors, param.anchors_scale, strict=False)):
        x = _by_cell(site, i, param.num_box)
        found = site.op("Sigmoid", _numbers(site, x, object_at, object_at + 1))
        if param.gaussian_box:
            spread = site.op("Sigmoid", _numbers(site, x, 1, 8, 2))
            sure = site.op("Sub", graph.floats(1), graph.reduce("ReduceMean", spread, [4]))
            found = site.op("Mul", found, sure)
        score = site.op("Mul", site.op("Sigmoid", _numbers(site, x, object_at + 1, None)), found)
        label = graph.ints(np.arange(param.num_classes))
        candidates.append((label, score, _placed(site, i, x, (position, size), anchors, cell)))
    threshold = param.confidence_threshold
    return [_detections(site, candidates, threshold, param.nms_threshold, param.num_classes)]


def _by_cell(site: Site, i: int, boxes: int) -> Tensor:
    """A map (N, boxes * K, H, W) as (N, H, W, boxes, K)."""
    channels, height, width = site.shapes[i][1:]
    apart = site.as_shape(site.x[i], [site.size(0), boxes, channels // boxes, height, width])
    return site.graph.transpose(apart, [0, 3, 4, 1, 2])


def _numbers(site: Site, x: Tensor, begin: int, end: int | None, step: int = 1) -> Tensor:
    """x[..., begin:end:step] of five axes."""
    last = 2**31 - 1 if end is None else end
    return site.graph.slice(x, [begin], [last], [4], [step])


def _placed(
    site: Site,
    i: int,
    x: Tensor,
    where: tuple[Sequence[int], Sequence[int]],
    anchors: Array,
    cell: float,
) -> Tensor:
    """Corners (N, H, W, A, 4) of the boxes in fractions of the image."""
    graph, (height, width) = site.graph, site.shapes[i][2:]
    grid = np.array([width, height], np.float32)
    corner = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)[:, :, None]
    position, size = (site.op("Gather", x, graph.ints(list(numbers)), axis=4) for numbers in where)
    center = site.op("Add", site.op("Sigmoid", position), graph.floats(corner))
    center = site.op("Div", center, graph.floats(grid))
    sides = site.op("Mul", site.op("Exp", size), graph.floats(anchors / (grid * cell)))
    reach = site.op("Mul", sides, graph.floats(0.5))
    corners = [site.op("Sub", center, reach), site.op("Add", center, reach)]
    return graph.concat(corners, 4)


def _detections(
    site: Site,
    candidates: Sequence[tuple[Tensor, Tensor, Tensor]],
    threshold: float,
    overlap: float,
    classes: int,
) -> Tensor:
    """The rows of detections: a better box of any class suppresses others.

    Candidates are labels from 0, scores (N, H, W, A, classes) and boxes of each map; labels are
    (classes,) or one for each box.
    """
    graph, count = site.graph, 0
    labels, scores, boxes = [], [], []
    for i, (label, score, box) in enumerate(candidates):
        height, width = site.shapes[i][2:]
        shape = site.op("Shape", score)
        labels.append(graph.reshape(site.op("Expand", label, shape), [0, -1]))
        scores.append(graph.reshape(score, [0, -1]))
        repeated = site.op("Tile", graph.unsqueeze(box, [4]), graph.ints([1, 1, 1, 1, classes, 1]))
        boxes.append(graph.reshape(repeated, [0, -1, 4]))
        count += height * width * _boxes_of_cell(site) * classes
    least = float(np.nextafter(np.float32(overlap), np.float32(-1)))  # from there on
    rule = Suppression(least, threshold)
    corners, score = graph.concat(boxes, 1), graph.concat(scores, 1)
    found = rule.select(graph, corners, graph.unsqueeze(score, [1]), Size(graph, count))
    image = column(graph, found, 0)
    where = graph.concat([image, column(graph, found, 2)], 1)
    label, own = (
        graph.unsqueeze(site.op("GatherND", values, where), [1])
        for values in (graph.concat(labels, 1), score)
    )
    number = site.op("Add", label, graph.ints(1))
    box = site.op("GatherND", corners, where)
    return detection_rows(graph, site.size(0), image, number, own, box)


def _boxes_of_cell(site: Site) -> int:
    layer = site.layer
    if not isinstance(layer, (YoloDetectionOutput, Yolov3DetectionOutput)):
        raise TypeError(f"{layer.type} has no cells")
    return int(layer.options.num_box)
