"""SSD's layers: orders of axes, normalization, prior boxes, detections."""

from collections.abc import Iterable, Sequence

import numpy as np

from caffe_lite.export.onnx.boxes import (
    Suppression,
    best_of_images,
    column,
    decoded,
    detection_rows,
)
from caffe_lite.export.onnx.builder import Graph, Tensor
from caffe_lite.export.onnx.layers.elementwise import affine
from caffe_lite.export.onnx.registry import translates
from caffe_lite.export.onnx.site import Site
from caffe_lite.export.onnx.sizes import Size, vector
from caffe_lite.forks.ssd.detection_output import DetectionOutput
from caffe_lite.forks.ssd.normalize import Normalize
from caffe_lite.forks.ssd.permute import Permute
from caffe_lite.forks.ssd.prior_box import PriorBox
from caffe_lite.layers.base import Layer
from caffe_lite.proto import schema


@translates(Permute)
def permute(site: Site) -> list[Tensor]:
    named, axes = list(site.layer.param.permute_param.order), len(site.shapes[0])
    order = named + [axis for axis in range(axes) if axis not in named]
    return [site.graph.transpose(site.x[0], order)]


@translates(Normalize)
def normalize(site: Site) -> list[Tensor]:
    param, graph, x = site.layer.param.norm_param, site.graph, site.x[0]
    axes = range(1, len(site.shapes[0])) if param.across_spatial else [1]
    sums = affine(site, graph.reduce("ReduceSum", site.op("Mul", x, x), axes), 1, param.eps)
    unit = site.op("Div", x, site.op("Sqrt", sums))
    scale = site.values(0)
    if scale.ndim:
        scale = scale.reshape(-1, *(1,) * (len(site.shapes[0]) - 2))
    return [site.op("Mul", unit, site.weight_as(0, scale))]


def _images(layer: Layer) -> Iterable[tuple[int, Sequence[int]]]:
    """The boxes are computed at the export, from the sizes of both bottoms."""
    return [(0, (2, 3)), (1, (2, 3))]


@translates(PriorBox, fixed=_images)
def prior_box(site: Site) -> list[Tensor]:
    return [site.graph.floats(site.folded()[0])]


@translates(DetectionOutput)
def detection_output(site: Site) -> list[Tensor]:
    """Decoding, then NonMaxSuppression for all classes, then the best of each image.

    Files that `save_output_param` asks for are not written.
    """
    param, graph = site.layer.param.detection_output_param, site.graph
    nms, classes = param.nms_param, param.num_classes
    if nms.eta < 1:
        raise site.refuse("nms_param.eta below 1 changes the threshold from box to box")
    images, count = site.size(0), site.size(2, 2) // 4
    shared = param.share_location
    boxes = _boxes(site, images, count, 1 if shared else classes)
    scores = site.as_shape(site.x[1], [images, count, classes])
    scores = graph.transpose(scores, [0, 2, 1])
    if 0 <= param.background_label_id < classes:
        others = np.arange(classes)[:, None] != param.background_label_id
        scores = site.op("Where", graph.constant(others), scores, graph.floats(-np.inf))
    rule = Suppression(
        nms.nms_threshold,
        param.confidence_threshold if param.HasField("confidence_threshold") else -np.inf,
        nms.top_k if nms.HasField("top_k") else -1,
    )
    if shared:
        found = rule.select(graph, boxes, scores, count)
    else:
        found = _select_by_class(graph, rule, boxes, scores, classes, count)
    if param.keep_top_k >= 0:
        found = best_of_images(graph, found, scores, param.keep_top_k, classes, count)
    image, label, box = (column(graph, found, i) for i in range(3))
    where = graph.concat([image, box] if shared else [image, label, box], 1)
    corners = site.op("GatherND", boxes, where)
    score = graph.unsqueeze(site.op("GatherND", scores, found), [1])
    return [detection_rows(graph, images, image, label, score, corners)]


def _boxes(site: Site, images: Size, count: Size, codes: int) -> Tensor:
    """Boxes (N, P, 4), or by class (N, C, P, 4)."""
    param, graph = site.layer.param.detection_output_param, site.graph
    code = schema.PriorBoxParameter.CodeType.Name(param.code_type)
    priors, variances = graph.split(graph.reshape(site.x[2], [2, -1, 1, 4]), [1, 1], 0)
    location = site.as_shape(site.x[0], [images, count, codes, 4])
    if not param.variance_encoded_in_target:
        location = site.op("Mul", location, variances)
    boxes = decoded(graph, code, location, priors)
    return graph.squeeze(boxes, [2]) if codes == 1 else graph.transpose(boxes, [0, 2, 1, 3])


def _select_by_class(
    graph: Graph, rule: Suppression, boxes: Tensor, scores: Tensor, classes: int, count: Size
) -> Tensor:
    """Rows (image, class, box) where each class has its own boxes: each as an image of its own."""
    apart = graph.reshape(boxes, vector(graph, [-1, count, 4]))
    found = rule.select(graph, apart, graph.reshape(scores, vector(graph, [-1, 1, count])), count)
    number, size = column(graph, found, 0), graph.ints(classes)
    columns = [graph.add("Div", number, size), graph.add("Mod", number, size)]
    return graph.concat([*columns, column(graph, found, 2)], 1)
