"""SegNet, DeconvNet, PSPNet, DeepLab and OSVOS."""

import numpy as np

from tools.caffe_layer import Case
from tools.fork_cases._draw import Cases, Draw


def mask(draw: Draw, shape: tuple[int, ...], height: int, width: int) -> np.ndarray:
    """Distinct places h * width + w in an image of height x width, for each channel."""
    order = draw.uniform(shape[0] * shape[1], height * width).argsort(axis=1)
    return order[:, : shape[2] * shape[3]].reshape(shape).astype(np.float32)


def segnet() -> Cases:
    cases: Cases = {}
    for i, (mode, tops) in enumerate((("LEARN", 1), ("LEARN", 3), ("INFERENCE", 1))):
        draw = Draw(f"segnet_bn_{i}")
        x = draw.normal(3 - i, 4, 2, 5, scale=2, mean=0.5)
        blobs = [draw.normal(1, 4, 1, 1), draw.normal(1, 4, 1, 1)]
        text = (
            f'type: "BN" bn_param {{ bn_mode: {mode} scale_filler {{ value: 1 }} '
            "shift_filler { value: 0.1 } }"
        )
        cases[f"segnet_bn_{i}"] = "segnet", Case(text, [x], [True], blobs, tops=tops)
    for i, (text, height, width) in enumerate(
        (
            ("scale: 2", 6, 8),
            ("scale: 2 pad_out_h: true", 5, 8),
            ("scale: 2 pad_out_w: true", 6, 7),
            ("upsample_h: 7 upsample_w: 9", 7, 9),
            ("scale_h: 2 scale_w: 3", 6, 12),
        )
    ):
        draw = Draw(f"upsample_{i}")
        shape = (2 - i % 2, 3, 3, 4)
        x, places = draw.normal(*shape), mask(draw, shape, height, width)
        text = f'type: "Upsample" bottom: "x" bottom: "m" upsample_param {{ {text} }}'
        cases[f"upsample_{i}"] = "segnet", Case(text, [x, places], [True, False])
    weights = "class_weighting: 0.5 class_weighting: 2 class_weighting: 1.3 class_weighting: 0.1"
    for i, text in enumerate(
        (
            f"normalize: true weight_by_label_freqs: true {weights}",
            f"normalize: true weight_by_label_freqs: true ignore_label: 3 {weights}",
            f"weight_by_label_freqs: true normalize: false {weights}",
            f"normalize: true {weights}",
        )
    ):
        draw = Draw(f"class_weights_{i}")
        x, label = draw.normal(2, 4, 3, 5), draw.labels(2, 1, 3, 5, classes=4)
        text = f'type: "SoftmaxWithLoss" loss_weight: 1 loss_param {{ {text} }}'
        cases[f"class_weights_{i}"] = "segnet", Case(text, [x, label], [True, False])
    return cases


def deconvnet() -> Cases:
    cases: Cases = {}
    for i, text in enumerate(
        (
            "unpool: MAX kernel_size: 2 stride: 2 unpool_h: 6 unpool_w: 8",
            "unpool: TILE kernel_size: 2 stride: 2 unpool_h: 6 unpool_w: 8",
            "unpool: AVE kernel_size: 2 stride: 2 unpool_h: 6 unpool_w: 8",
            "unpool: AVE kernel_size: 3 stride: 2 unpool_h: 7 unpool_w: 9",
        )
    ):
        draw = Draw(f"unpooling_{i}")
        shape = (2 - i % 2, 3, 3, 4)
        bottoms = [draw.normal(*shape)]
        if "MAX" in text:
            bottoms.append(mask(draw, shape, 6, 8))
        flags = [True, False][: len(bottoms)]
        flags = [] if "TILE" in text else flags  # the fork divides that gradient by the window
        text = f'type: "Unpooling" unpooling_param {{ {text} }}'
        cases[f"unpooling_{i}"] = "deconvnet", Case(text, bottoms, flags)
    draw = Draw("eltwise_accuracy")
    x, label = draw.normal(2, 4, 3, 5), draw.labels(2, 1, 3, 5, classes=4, ignore=255)
    cases["eltwise_accuracy"] = (
        "deconvnet",
        Case(
            'type: "EltwiseAccuracy" eltwise_accuracy_param { ignore_label: 255 top_k: 2 }',
            [x, label],
        ),
    )
    return cases


def deeplab() -> Cases:
    cases: Cases = {}
    for i, (phase, text) in enumerate(
        (
            ("TRAIN", ""),
            ("TRAIN", "momentum: 0.6 eps: 0.01"),
            ("TRAIN", "frozen: true"),
            ("TEST", ""),
        )
    ):
        draw = Draw(f"pspnet_bn_{i}")
        x = draw.normal(3 - i % 3, 4, 2, 5, scale=2, mean=0.5)
        blobs = [draw.normal(1, 4, 1, 1) for _ in range(3)] + [draw.uniform(1, 4, 1, 1, low=0.5)]
        text = (
            f'type: "BN" phase: {phase} bn_param {{ slope_filler {{ value: 1 }} '
            f"bias_filler {{ value: 0 }} {text} }}"
        )
        flags = [] if phase == "TEST" else [True]
        cases[f"pspnet_bn_{i}"] = "pspnet", Case(text, [x], flags, blobs)
    for i, text in enumerate(
        (
            "zoom_factor: 2",
            "shrink_factor: 2",
            "height: 9 width: 4",
            "zoom_factor: 3 shrink_factor: 2",
            "height: 5 width: 6 pad_beg: -1 pad_end: -2",
        )
    ):
        draw = Draw(f"interp_{i}")
        x = draw.normal(2 - i % 2, 3, 7, 6)
        text = f'type: "Interp" interp_param {{ {text} }}'
        cases[f"interp_{i}"] = "pspnet", Case(text, [x], [True])
    for i, text in enumerate(("", "ignore_label: 255 ignore_label: 1")):
        draw = Draw(f"seg_accuracy_{i}")
        x = draw.normal(2, 5, 3, 4)
        label = draw.labels(2, 1, 3, 4, classes=5, ignore=255 if i else None)
        text = f'type: "SegAccuracy" seg_accuracy_param {{ {text} }}'
        cases[f"seg_accuracy_{i}"] = "pspnet", Case(text, [x, label])
    return cases


def edges() -> Cases:
    cases: Cases = {}
    for i, images in enumerate((2, 1)):
        draw = Draw(f"balance_loss_{i}")
        shape = (images, 1, 5, 4)
        x, target = draw.normal(*shape), draw.labels(*shape, classes=2)
        text = 'type: "SigmoidCrossEntropyBalanceLoss" loss_weight: 1'
        cases[f"balance_loss_{i}"] = "osvos", Case(text, [x, target], [True, False])
    return cases


def cases() -> Cases:
    return segnet() | deconvnet() | deeplab() | edges()
