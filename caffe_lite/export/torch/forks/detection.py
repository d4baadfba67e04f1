"""Layers of SSD, YOLO and region proposal networks."""

from typing import Any

from caffe_lite.export.torch.registry import Code, Site, Slot, emits, number
from caffe_lite.forks.rcnn.proposal import Proposal
from caffe_lite.forks.rcnn.python_layers.proposal_layer import ProposalLayer
from caffe_lite.forks.ssd.detection_output import DetectionOutput
from caffe_lite.forks.ssd.normalize import Normalize
from caffe_lite.forks.ssd.permute import Permute
from caffe_lite.forks.ssd.prior_box import PriorBox
from caffe_lite.forks.yolo.reorg import Reorg
from caffe_lite.forks.yolo.yolo_detection_output import YoloDetectionOutput
from caffe_lite.forks.yolo.yolov3_detection_output import Yolov3DetectionOutput
from caffe_lite.layers.python import Python
from caffe_lite.proto import schema

_LOWEST = -3.4028234663852886e38  # -FLT_MAX


@emits(Permute)
def permute(site: Site) -> Code:
    order = list(site.param.permute_param.order)
    order += [axis for axis in range(len(site.shape)) if axis not in order]
    return Code(f"{site.x[0]}.permute({', '.join(map(str, order))})")


@emits(Normalize)
def normalize(site: Site) -> Code:
    param = site.param.norm_param
    init = f"Normalize({site.blob(0)}, {param.across_spatial}, {number(param.eps)})"
    return Code(f"{site.me}({site.x[0]})", init, {"weight": Slot(0)})


def numbers(values: Any) -> str:
    """A list, or a list of lists or pairs, of float32 numbers."""
    if isinstance(values, (list, tuple)):
        inner = ", ".join(numbers(each) for each in values)
        return f"[{inner}]" if isinstance(values, list) else f"({inner})"
    return number(float(values))


@emits(PriorBox)
def prior_box(site: Site) -> Code:
    layer, param, (x, image) = site.layer, site.param.prior_box_param, site.x
    given: Any = layer
    size = numbers(tuple(given._image)) if given._image[0] else f"tuple({image}.shape[2:])"
    step = numbers(tuple(given._step)) if given._step[0] else "None"
    sizes, offsets = numbers(given._sizes), numbers(given._offsets)
    return Code(
        f"prior_boxes({x}, {sizes}, {offsets}, {numbers(given._variances)}, "
        f"image={size}, step={step}, clip={param.clip})"
    )


@emits(DetectionOutput)
def detection_output(site: Site) -> Code:
    param = site.param.detection_output_param
    nms = param.nms_param
    threshold = param.confidence_threshold if param.HasField("confidence_threshold") else _LOWEST
    code = schema.PriorBoxParameter.CodeType.Name(param.code_type)
    return Code(
        f"detection_output({', '.join(site.x[:3])}, classes={param.num_classes}, "
        f'background={param.background_label_id}, code="{code}", shared={param.share_location}, '
        f"variances={not param.variance_encoded_in_target}, threshold={number(threshold)}, "
        f"overlap={number(nms.nms_threshold)}, eta={number(nms.eta)}, "
        f"top_k={nms.top_k if nms.HasField('top_k') else -1}, keep_top_k={param.keep_top_k})"
    )


@emits(Proposal)
def proposal(site: Site) -> Code:
    rule: Any = site.layer
    return proposals(site, rule.rule)


@emits(Python)
def python(site: Site) -> Code:
    """A Python layer is its own code; those that ship have translations."""
    layer: Any = site.layer
    if isinstance(layer._user, ProposalLayer):
        if len(site.top_shapes) > 1:
            raise site.refuse("proposals with their scores have a translation as type Proposal")
        return proposals(site, layer._rule)
    raise site.refuse("runs Python code of its own, which has no translation")


def proposals(site: Site, rule: Any) -> Code:
    """The call for a rule of `caffe_lite.forks.rcnn._proposals`."""
    anchors = numbers([tuple(row) for row in rule.anchors.tolist()])
    call = (
        f"proposals({', '.join(site.x)}, {anchors}, stride={numbers(tuple(rule.stride))}, "
        f"min_size={numbers(tuple(rule.min_size))}, candidates={rule.candidates}, "
        f"kept={rule.kept}, overlap={number(rule.overlap)}, keep_small={rule.keep_small})"
    )
    return Code(call if len(site.top_shapes) > 1 else f"{call}[0]")


@emits(Reorg)
def reorg(site: Site) -> Code:
    param = site.param.reorg_param
    return Code(f"reorg({site.x[0]}, {param.stride}, reverse={param.reverse})")


@emits(YoloDetectionOutput)
def yolo2(site: Site) -> Code:
    param, layer = site.param.yolo_detection_output_param, site.layer
    given: Any = layer
    anchors = numbers([tuple(row) for row in given.anchors.tolist()])
    return Code(
        f"yolo2_output({', '.join(site.x)}, boxes={param.num_box}, anchors={anchors}, "
        f"threshold={number(param.confidence_threshold)}, overlap={number(param.nms_threshold)})"
    )


@emits(Yolov3DetectionOutput)
def yolo3(site: Site) -> Code:
    param, layer = site.param.yolov3_detection_output_param, site.layer
    given: Any = layer
    anchors = numbers([[tuple(row) for row in group] for group in given.anchors.tolist()])
    return Code(
        f"yolo3_output({', '.join(site.x)}, boxes={param.num_box}, anchors={anchors}, "
        f"cells={numbers(list(param.anchors_scale))}, gaussian={param.gaussian_box}, "
        f"threshold={number(param.confidence_threshold)}, overlap={number(param.nms_threshold)})"
    )
