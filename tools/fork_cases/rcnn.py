"""Fast and Faster R-CNN, R-FCN."""

from tools.caffe_layer import Case
from tools.fork_cases._draw import Cases, Draw


def pooling() -> Cases:
    cases: Cases = {}
    for i, (images, regions) in enumerate(((2, 7), (1, 4), (3, 1))):
        draw = Draw(f"roi_pooling_{i}")
        x, rois = draw.normal(images, 3, 9, 11), draw.boxes(regions, 88, 72, images)
        for runner in ("rfcn", "mscnn"):
            text = (
                'type: "ROIPooling" roi_pooling_param '
                f"{{ pooled_h: 3 pooled_w: {4 - i} spatial_scale: 0.125 }}"
            )
            cases[f"roi_pooling_{i}_{runner}"] = (
                runner,
                Case(text, [x, rois], [True, False], gpu=True),
            )
        draw = Draw(f"psroi_pooling_{i}")
        group = 2 + i
        x = draw.normal(images, 2 * group * group, 9, 11)
        text = (
            f'type: "PSROIPooling" psroi_pooling_param {{ output_dim: 2 group_size: {group} '
            "spatial_scale: 0.125 }"
        )
        cases[f"psroi_pooling_{i}"] = "rfcn", Case(text, [x, rois], [True, False], gpu=True)
    return cases


def smooth_l1() -> Cases:
    cases: Cases = {}
    for i, text in enumerate(
        (
            "",
            "loss_param { normalization: FULL }",
            "loss_param { normalization: BATCH_SIZE }",
            "loss_param { normalization: NONE }",
            "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 5 }",
        )
    ):
        draw = Draw(f"smooth_l1_{i}")
        shape = (4, 3, 2, 5) if i % 2 else (6, 8)
        x, t = draw.normal(*shape, scale=1.5), draw.normal(*shape)
        weights = draw.labels(*shape, classes=2)
        text = f'type: "SmoothL1Loss" {text}'
        cases[f"smooth_l1_rfcn_{i}"] = (
            "rfcn",
            Case(text, [x, t, weights], [True, True, False], tops=2, gpu=True),
        )
        text = text.replace("SmoothL1Loss", "SmoothL1LossOHEM")
        cases[f"smooth_l1_ohem_{i}"] = (
            "intel",
            Case(text, [x, t, weights], [True, True, False], tops=2),
        )
    for i, (sigma, weighted) in enumerate(((1, False), (3, True), (0.7, True))):
        draw = Draw(f"smooth_l1_weighted_{i}")
        shape = (5, 12) if i else (3, 4, 2, 3)
        bottoms = [draw.normal(*shape) for _ in range(2)]
        if weighted:
            bottoms += [draw.uniform(*shape) for _ in range(2)]
        text = f'type: "SmoothL1Loss" smooth_l1_loss_param {{ sigma: {sigma} }}'
        flags = [True, True, False, False][: len(bottoms)]
        for runner in ("fastrcnn", "mscnn"):
            cases[f"smooth_l1_{runner}_{i}"] = runner, Case(text, bottoms, flags, gpu=True)
    return cases


def softmax() -> Cases:
    cases: Cases = {}
    names = 'top: "loss" top: "prob" top: "losses" loss_weight: [1, 0, 0]'
    for i, text in enumerate(("", "ignore_label: 1", "ignore_label: 1 normalization: FULL")):
        draw = Draw(f"softmax_{i}")
        shape = (3, 4, 2, 5) if i % 2 else (7, 3)
        x = draw.normal(*shape)
        label = draw.labels(shape[0], *shape[2:], classes=shape[1])
        text = f'type: "SoftmaxWithLoss" {names} loss_param {{ {text} }}'
        cases[f"softmax_{i}"] = "rfcn", Case(text, [x, label], [True, False], tops=3, gpu=True)
    # Intel's loses top[1] where there are three, and on the CPU terms where labels are ignored.
    for i, text in enumerate(
        ("", "normalization: BATCH_SIZE", "normalization: PRE_FIXED pre_fixed_normalizer: 7")
    ):
        draw = Draw(f"softmax_ohem_{i}")
        shape = (3, 4, 2, 5) if i % 2 else (1, 5, 3, 2)
        x = draw.normal(*shape)
        label = draw.labels(shape[0], *shape[2:], classes=shape[1])
        text = f'type: "SoftmaxWithLossOHEM" loss_weight: [1, 0] loss_param {{ {text} }}'
        cases[f"softmax_ohem_{i}"] = "intel", Case(text, [x, label], [True, False], tops=2)
    return cases


def annotator() -> Cases:
    cases: Cases = {}
    for i, (images, regions, kept) in enumerate(((1, 9, 4), (3, 14, 2), (2, 3, 5))):
        draw = Draw(f"annotator_{i}")
        bottoms = [
            draw.boxes(regions, 50, 40, images),
            draw.uniform(regions, 1, 1, 1),
            draw.labels(regions, 1, 1, 1, classes=5),
            draw.uniform(regions, 8, 1, 1),
        ]
        text = (
            'type: "BoxAnnotatorOHEM" box_annotator_ohem_param '
            f"{{ roi_per_img: {kept} ignore_label: -1 }}"
        )
        cases[f"annotator_{i}"] = "rfcn", Case(text, bottoms, tops=2, gpu=True)
    return cases


def cases() -> Cases:
    return pooling() | smooth_l1() | softmax() | annotator()
