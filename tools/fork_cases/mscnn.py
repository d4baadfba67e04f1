"""MS-CNN and Cascade R-CNN; what they draw at random is left out."""

import numpy as np

from tools.caffe_layer import Case
from tools.fork_cases._draw import Cases, Draw

FIELD = "field_h: 30 field_w: 24 downsample_rate: 8"
CODES = "bbox_reg_param { bbox_mean: [0.05, 0.02, 0, -0.03] bbox_std: [0.2, 0.3, 0.4, 0.5] }"


def labels(draw: Draw, images: int, height: int, width: int) -> np.ndarray:
    """For each cell the class, box and overlap of an object; half the cells are background."""
    label = np.zeros((images, 6, height, width), np.float32)
    cells = (images, height, width)
    label[:, 0] = draw.labels(*cells, classes=3) * (draw.uniform(*cells) < 0.5)
    label[:, 1] = (np.arange(width) + 0.5) * 8 + draw.normal(*cells, scale=4)
    label[:, 2] = ((np.arange(height) + 0.5) * 8)[:, None] + draw.normal(*cells, scale=4)
    label[:, 3:5] = draw.uniform(images, 2, height, width, low=15, high=40)
    label[:, 5] = draw.uniform(*cells, low=0.1, high=0.9)
    return label


def cells() -> Cases:
    cases: Cases = {}
    for i, text in enumerate(
        (
            "sample_mode: 'all'",
            "sample_mode: 'all' iou_weighted: true lambda: 1.7",
            "sample_mode: 'all' bb_smooth: false",
            "sample_mode: 'bootstrap' bg_multiple: 1",
            "sample_mode: 'all' pos_neg_weighted: true",
        )
    ):
        draw = Draw(f"detection_loss_{i}")
        images = 2 - i % 2
        bottoms = [draw.normal(images, 7, 4, 5), labels(draw, images, 4, 5)]
        text = (
            f'type: "DetectionLoss" loss_weight: 1 '
            f"detection_loss_param {{ cls_num: 3 {FIELD} {text} }} {CODES if i % 2 else ''}"
        )
        cases[f"detection_loss_{i}"] = "mscnn", Case(text, bottoms, [True, False])
    for i, text in enumerate(("", "bg_threshold: 0.3")):
        draw = Draw(f"detection_accuracy_{i}")
        bottoms = [draw.normal(2, 7, 4, 5), labels(draw, 2, 4, 5)]
        text = f'type: "DetectionAccuracy" detection_accuracy_param {{ cls_num: 3 {FIELD} {text} }}'
        cases[f"detection_accuracy_{i}"] = "mscnn", Case(text, bottoms, tops=2)
    return cases


def regions() -> Cases:
    cases: Cases = {}
    for i, (images, count) in enumerate(((2, 6), (1, 3))):
        draw = Draw(f"regions_{i}")
        rois = draw.boxes(count, 88, 72, images)
        matches = np.concatenate(
            [
                draw.labels(count, 1, classes=3),
                rois[:, 1:] + draw.normal(count, 4, scale=4),
                draw.uniform(count, 1),
            ],
            axis=1,
        ).astype(np.float32)
        codes = draw.normal(count, 8, scale=0.2)
        bottoms = [each[..., None, None] for each in (codes, rois)]
        cases[f"decode_bbox_{i}"] = (
            "mscnn",
            Case(f'type: "DecodeBBox" phase: TEST {CODES if i else ""}', bottoms),
        )
        bottoms = [*bottoms, matches[..., None, None]]
        cases[f"decode_bbox_train_{i}"] = (
            "mscnn",
            Case(
                f'type: "DecodeBBox" phase: TRAIN {CODES} decode_bbox_param {{ gt_iou_thr: 0.6 }}',
                bottoms,
            ),
        )
        bottoms = [draw.normal(count, 12, 1, 1, scale=0.2), *bottoms[1:]]
        cases[f"bbox_accuracy_{i}"] = (
            "mscnn",
            Case(f'type: "BboxAccuracy" {CODES if i else ""}', bottoms, tops=2),
        )
        for pad in (0, 0.2):
            text = (
                "roi_pooling_param { pooled_h: 3 pooled_w: 4 spatial_scale: 0.125 "
                f"pad_ratio: {pad} }}"
            )
            x = draw.normal(images, 3, 9, 11)
            inside = rois.copy()  # the fork's gradient cuts regions to the image, forward does not
            inside[:, 1:] = np.clip(rois[:, 1:], 17, [70, 54, 70, 54])
            for kind, given in (("ROIAlign", rois), ("ROIPooling", inside)):
                cases[f"{kind.lower()}_{i}_{pad}"] = (
                    "mscnn",
                    Case(f'type: "{kind}" {text}', [x, given], [True, False], gpu=True),
                )
    return cases


def outputs() -> Cases:
    cases: Cases = {}
    fields = (
        "field_w: 24 field_w: 48 field_h: 30 field_h: 60 downsample_rate: 8 downsample_rate: 16 "
        "min_size: 5"
    )
    for i, text in enumerate(
        (
            "fg_thr: 0 iou_thr: 0.5",
            "fg_thr: -1 iou_thr: 0.3 nms_type: 'IOMU' max_nms_num: 20",
            "fg_thr: 0 iou_thr: 0.7 max_post_nms_num: 4",
            "fg_thr: 100",
        )
    ):
        draw = Draw(f"box_output_{i}")
        bottoms = [draw.normal(2 - i % 2, 7, 6, 8), draw.normal(2 - i % 2, 7, 3, 4)]
        text = f'type: "BoxOutput" box_output_param {{ {fields} {text} }} {CODES if i % 2 else ""}'
        cases[f"box_output_{i}"] = "mscnn", Case(text, bottoms, tops=2)
    return cases


def groups() -> Cases:
    """Cascade R-CNN's layers over three fields for each cell."""
    cases: Cases = {}
    fields = "field_w: 44 field_w: 22 field_w: 30 field_h: 22 field_h: 44 field_h: 30 stride: 8"
    for i, text in enumerate(
        (
            "bg_multiple: 99",
            "bg_multiple: 99 lambda: 1.7 pos_neg_weighted: true",
            "bg_multiple: 99 bbox_loss_type: 'Euclidean_L2'",
            "bg_multiple: 99 field_whr: 2 field_xyr: 2",
            "bg_multiple: 1 neg_mining_type: 'bootstrap' min_num_neg: 4",
        )
    ):
        draw = Draw(f"group_loss_{i}")
        items = 3 * (2 - i % 2)
        bottoms = [
            draw.normal(items, 3, 4, 5),
            draw.normal(items, 4, 4, 5, scale=0.6),
            labels(draw, items, 4, 5),
        ]
        own = CODES if i % 2 else ""
        text = (
            'type: "DetectionGroupLoss" loss_weight: 1 '
            f"detection_group_loss_param {{ cls_num: 3 {fields} {text} }} {own}"
        )
        cases[f"group_loss_{i}"] = "cascade", Case(text, bottoms, [True, True, False])
        text = (
            'type: "DetectionGroupAccuracy" '
            f"detection_group_accuracy_param {{ cls_num: 3 {fields} }} {own}"
        )
        cases[f"group_accuracy_{i}"] = "cascade", Case(text, bottoms, tops=2)
    for i, text in enumerate(("fg_thr: 0.4 iou_thr: 0.5", "iou_thr: 0.7 max_post_nms_num: 5")):
        draw = Draw(f"group_output_{i}")
        scores = draw.uniform(6 - 3 * i, 3, 4, 5, low=0.1)
        bottoms = [
            scores / scores.sum(axis=1, keepdims=True),
            draw.normal(6 - 3 * i, 4, 4, 5, scale=0.4),
        ]
        text = (
            f'type: "BoxGroupOutput" box_group_output_param {{ box_group_param {{ {fields} }} '
            f"field_whr: 3 field_xyr: 2 min_size: 5 {text} }} {CODES}"
        )
        cases[f"group_output_{i}"] = "cascade", Case(text, bottoms, tops=2)
        draw = Draw(f"hard_mining_{i}")
        count = 9 - i
        bottoms = [
            draw.uniform(count, 1, 1, 1),
            draw.boxes(count, 50, 40, 2)[..., None, None],
            draw.labels(count, 1, 1, 1, classes=5),
        ]
        text = 'type: "HardMining" hard_mining_param { num_roi_per_image: 2 num_image: 2 }'
        cases[f"hard_mining_{i}"] = "cascade", Case(text, bottoms, tops=2)
    return cases


def cases() -> Cases:
    return cells() | regions() | outputs() | groups()
