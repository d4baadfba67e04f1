"""YOLO version 1, MobileNet-YOLO, SENet, ShuffleNet and DepthwiseConvolution."""

import numpy as np

from tools.caffe_layer import Case
from tools.fork_cases._draw import Cases, Draw


def truths(draw: Draw, images: int, found: int, classes: int) -> np.ndarray:
    """Rows (class, centre x, centre y, width, height); the fork reads 300 for each image."""
    label = np.zeros((images, 1, 300, 5), np.float32)
    label[:, 0, :found, 0] = draw.labels(images, found, classes=classes)
    label[:, 0, :found, 1:3] = draw.uniform(images, found, 2, low=0.05, high=0.95)
    label[:, 0, :found, 3:] = draw.uniform(images, found, 2, low=0.05, high=0.6)
    return label


def losses() -> Cases:
    cases: Cases = {}
    sizes = (1.08, 1.19, 3.42, 4.41, 0.7, 2.3, 2.2, 0.6, 1.9, 2.8)  # the fork drops fewer than ten
    anchors = " ".join(f"biases: {n}" for n in sizes)
    for i, text in enumerate(
        (
            "thresh: 0.6 object_scale: 5 noobject_scale: 1 coord_scale: 1",
            "thresh: 0.3 object_scale: 2 class_scale: 0.7 rescore: 0",
            "thresh: 0.6 bias_match: 0",
        )
    ):
        draw = Draw(f"region_loss_{i}")
        images = 2 - i % 2
        bottoms = [draw.normal(images, 5 * 8, 5, 5), truths(draw, images, 4, 3)]
        text = (
            'type: "RegionLoss" loss_weight: 1 region_loss_param '
            f"{{ side: 5 num_class: 3 num: 5 {anchors} {text} }}"
        )
        cases[f"region_loss_{i}"] = "yolo", Case(text, bottoms, [True, False])
    anchors = " ".join(f"biases: {n}" for n in (10, 14, 23, 27, 37, 58))
    for i, text in enumerate(
        (
            "thresh: 0.7 coord_scale: 1",
            "thresh: 0.5 class_scale: 0.6 iou_thresh: 0.2 label_smooth_eps: 0",
            "thresh: 0.5 use_logic_gradient: true object_scale: 2",
            "thresh: 0.5 use_focal_loss: true",
            "thresh: 0.5 iou_loss: GIOU",
            "thresh: 0.5 iou_loss: DIOU iou_normalizer: 0.5",
            "thresh: 0.5 iou_loss: CIOU max_delta: 0.2",
        )
    ):
        draw = Draw(f"yolov3_{i}")
        images = 2 - i % 2
        bottoms = [draw.normal(images, 2 * 8, 5, 5), truths(draw, images, 4, 3)]
        text = (
            'type: "Yolov3" loss_weight: 1 yolov3_param { side: 5 num_class: 3 num: 2 '
            f"anchors_scale: 16 {anchors} mask: 1 mask: 2 {text} }}"
        )
        cases[f"yolov3_{i}"] = "yolo", Case(text, bottoms, [True, False])
    return cases


def first_version() -> Cases:
    cases: Cases = {}
    side, classes, boxes = 3, 4, 2
    for i, text in enumerate(
        ("", "sqrt: true", "constriant: true", "sqrt: true constriant: true coord_scale: 5")
    ):
        draw = Draw(f"first_version_{i}")
        images, cells = 2 - i % 2, side * side
        x = draw.uniform(images, cells * (classes + 5 * boxes), low=0.05, high=0.9)
        label = draw.labels(images, 7, cells, classes=2)
        label[:, 2] = draw.labels(images, cells, classes=classes)
        label[:, 3:] = draw.uniform(images, 4, cells, low=0.1, high=0.9)
        text = (
            'type: "DetectionLoss" loss_weight: 1 detection_loss_param '
            f"{{ side: {side} num_class: {classes} num_object: {boxes} object_scale: 1.5 "
            f"noobject_scale: 0.5 class_scale: 0.7 {text} }}"
        )
        bottoms = [x, label.reshape(images, -1)]
        cases[f"first_version_{i}"] = "yolo1", Case(text, bottoms, [True, False])
    return cases


def plain() -> Cases:
    cases: Cases = {}
    for i, (text, shape) in enumerate(
        (("stride: 2", (2, 4, 4, 6)), ("stride: 3", (1, 9, 6, 3)), ("reverse: true", (2, 8, 2, 3)))
    ):
        draw = Draw(f"reorg_{i}")
        text = f'type: "Reorg" reorg_param {{ {text} {"" if i < 2 else "stride: 2"} }}'
        # The fork's gradient is that of an array which nothing fills.
        cases[f"reorg_{i}"] = "yolo", Case(text, [draw.normal(*shape)])
    for scale in (2, 3):
        draw = Draw(f"upsample_{scale}")
        text = f'type: "Upsample" upsample_param {{ scale: {scale} }}'
        cases[f"upsample_{scale}"] = "yolo", Case(text, [draw.normal(2, 3, 2, 4)], [True])
    for group in (2, 3):
        draw = Draw(f"shuffle_{group}")
        text = f'type: "ShuffleChannel" shuffle_channel_param {{ group: {group} }}'
        cases[f"shuffle_{group}"] = "shuffle", Case(text, [draw.normal(2, 6, 3, 4)], [True])
    draw = Draw("relu6")
    cases["relu6"] = "yolo", Case('type: "ReLU6"', [5 * draw.normal(2, 3, 4, 5)], [True])
    for i, runner in enumerate(("yolo", "senet")):
        draw = Draw(f"axpy_{runner}")
        bottoms = [draw.normal(2 - i, 3, 1, 1), *(draw.normal(2 - i, 3, 4, 5) for _ in range(2))]
        cases[f"axpy_{runner}"] = runner, Case('type: "Axpy"', bottoms, [True] * 3)
    for i, text in enumerate(("pad: 1", "pad: 1 stride: 2", "bias_term: false")):
        draw = Draw(f"depthwise_{i}")
        x, weight, bias = draw.normal(2, 4, 7, 6), draw.normal(4, 1, 3, 3), draw.normal(4)
        blobs = [weight] if "bias" in text else [weight, bias]
        text = (
            'type: "DepthwiseConvolution" convolution_param '
            f"{{ num_output: 4 group: 4 kernel_size: 3 {text} }}"
        )
        cases[f"depthwise_{i}"] = "depthwise", Case(text, [x], [True], blobs, gpu=True)
    return cases


def cases() -> Cases:
    return losses() | first_version() | plain()
