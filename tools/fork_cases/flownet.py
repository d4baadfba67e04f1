"""FlowNet 2."""

import numpy as np

from tools.caffe_layer import Case
from tools.fork_cases._draw import Cases, Draw


def matching() -> Cases:
    cases: Cases = {}
    for i, text in enumerate(
        (
            "pad: 4 kernel_size: 1 max_displacement: 4 stride_1: 1 stride_2: 2",
            "pad: 3 kernel_size: 3 max_displacement: 2 stride_1: 1 stride_2: 1",
            "pad: 2 kernel_size: 1 max_displacement: 2 stride_1: 2 stride_2: 1",
            "pad: 2 kernel_size: 1 max_displacement: 2 correlation_type: SUBTRACT",
        )
    ):
        draw = Draw(f"correlation_{i}")
        bottoms = [draw.normal(2 - i % 2, 3, 8, 9) for _ in range(2)]
        text = f'type: "Correlation" correlation_param {{ {text} }}'
        # The fork's gradient of SUBTRACT compares other pixels than its forward pass.
        flags = [] if "SUBTRACT" in text else [True, True]
        cases[f"correlation_{i}"] = "flownet", Case(text, bottoms, flags, gpu=True)
    for i, scale in enumerate((0.7, 0.4)):
        draw = Draw(f"flow_warp_{i}")
        x = draw.normal(2 - i, 3, 8, 9)
        # Inside the image: elsewhere the fork leaves the gradient of the flow as it was.
        y, column = np.meshgrid(np.arange(8), np.arange(9), indexing="ij")
        flow = scale * draw.normal(2 - i, 2, 8, 9)
        flow[:, 0] = np.clip(flow[:, 0] + column, 0.1, 7.8) - column
        flow[:, 1] = np.clip(flow[:, 1] + y, 0.1, 6.8) - y
        cases[f"flow_warp_{i}"] = "flownet", Case('type: "FlowWarp"', [x, flow], [True, True])
    draw = Draw("flow_warp_outside")
    bottoms = [draw.normal(2, 3, 5, 6), draw.normal(2, 2, 5, 6, scale=4)]
    cases["flow_warp_outside"] = "flownet", Case('type: "FlowWarp"', bottoms)
    return cases


def losses() -> Cases:
    cases: Cases = {}
    for i, text in enumerate(
        (
            "",
            "l2_per_location: true",
            "l2_per_location: true l2_prescale_by_channels: true epsilon: 0.1",
            "plateau: 0.8",
            "normalize_by_num_entries: true",
            "l2_per_location: true normalize_by_num_entries: true",
        )
    ):
        draw = Draw(f"l1_loss_{i}")
        bottoms = [draw.normal(3 - i % 3, 2, 4, 5) for _ in range(2)]
        if i > 3:
            bottoms[1][0, :, 1:3, 2] = np.nan
        text = f'type: "L1Loss" loss_weight: 1 l1_loss_param {{ {text} }}'
        cases[f"l1_loss_{i}"] = "flownet", Case(text, bottoms, [True, True], gpu=True)
    for i in range(2):
        draw = Draw(f"channel_norm_{i}")
        x = draw.normal(2 - i, 3, 4, 5)
        cases[f"channel_norm_{i}"] = "flownet", Case('type: "ChannelNorm"', [x], [True], gpu=True)
    return cases


def sizes() -> Cases:
    cases: Cases = {}
    for i, (kind, height, width) in enumerate(
        (
            ("NEAREST", 9, 4),
            ("LINEAR", 13, 11),
            ("LINEAR", 3, 4),
            ("CUBIC", 12, 9),
            ("CUBIC", 4, 3),
            ("LINEAR", 3, 11),
        )
    ):
        draw = Draw(f"resample_{i}")
        text = (
            f'type: "Resample" resample_param {{ type: {kind} height: {height} width: {width} '
            f"antialias: {str(i < 5).lower()} }}"
        )
        x = draw.normal(2 - i % 2, 3, 7, 6)
        cases[f"resample_{i}"] = "flownet", Case(text, [x], gpu=True)
    for i, text in enumerate(("top_height: 9 top_width: 7", "size_divisible_by: 4")):
        draw = Draw(f"accum_{i}")
        bottoms = [draw.normal(2 - i, 3, 3, 4), draw.normal(2 - i, 2, 6, 5)]
        text = f'type: "Accum" accum_param {{ {text} }}'
        cases[f"accum_{i}"] = "flownet", Case(text, bottoms, gpu=True)
    for i, (height, width) in enumerate(((3, 4), (5, 2), (7, 6))):
        draw = Draw(f"downsample_{i}")
        text = f'type: "Downsample" downsample_param {{ top_height: {height} top_width: {width} }}'
        x = draw.normal(2 - i % 2, 3, 7, 6)
        cases[f"downsample_{i}"] = "flownet", Case(text, [x], gpu=True)
    return cases


def cases() -> Cases:
    return matching() | losses() | sizes()
