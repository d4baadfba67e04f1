"""caffe-face, SphereFace, arcface-caffe and happynear's Caffe."""

from tools.caffe_layer import Case
from tools.fork_cases._draw import Cases, Draw


def centers() -> Cases:
    cases: Cases = {}
    for i, (shape, classes) in enumerate((((6, 5), 3), ((1, 4), 2), ((7, 2, 3), 9))):
        draw = Draw(f"center_loss_{i}")
        x, label = draw.normal(*shape), draw.labels(shape[0], classes=classes)
        centre = draw.normal(classes, x[0].size)
        text = (
            f'type: "CenterLoss" center_loss_param {{ num_output: {classes} '
            'center_filler { type: "xavier" } }'
        )
        cases[f"center_loss_{i}"] = "face", Case(text, [x, label], [True, False], [centre])
    return cases


def margins() -> Cases:
    cases: Cases = {}
    for i, kind in enumerate(("SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE")):
        draw = Draw(f"margin_{i}")
        items = (5, 9, 1, 8)[i]
        x, label = draw.normal(items, 6), draw.labels(items, classes=4)
        weight = draw.normal(4, 6)
        text = (
            f'type: "MarginInnerProduct" margin_inner_product_param {{ num_output: 4 type: {kind} '
            'weight_filler { type: "xavier" } base: 10 gamma: 0.5 power: 1 lambda_min: 0.5 }'
        )
        case = Case(text, [x, label], [True, False], [weight], tops=2, forwards=3)
        cases[f"margin_{kind.lower()}"] = "sphere", case
        text = text.replace("MarginInnerProduct", "LargeMarginInnerProduct")
        text = text.replace("margin_inner_product_param", "largemargin_inner_product_param")
        cases[f"large_margin_{kind.lower()}"] = "largemargin", case._replace(text=text)
    for i, text in enumerate(
        ("bias: -0.35", "bias: 0.5", "bias_base: 0.1 bias_gamma: 0.2 bias_power: 2 bias_max: 0.6")
    ):
        draw = Draw(f"label_specific_add_{i}")
        x, label = draw.normal(5, 7), draw.labels(5, classes=7)
        text = f'type: "LabelSpecificAdd" label_specific_add_param {{ {text} }}'
        cases[f"label_specific_add_{i}"] = (
            "happynear",
            Case(text, [x, label], [True, False], forwards=2),
        )
    return cases


def angles() -> Cases:
    cases: Cases = {}
    for i, m in enumerate((0.5, 1.2)):
        draw = Draw(f"cosin_addm_{i}")
        items = 6 - 5 * i
        x, label = draw.uniform(items, 4, low=-0.95, high=0.95), draw.labels(items, classes=4)
        text = f'type: "CosinAddm" cosin_add_m_param {{ m: {m} }}'
        cases[f"cosin_addm_{i}"] = "arcface", Case(text, [x, label], [True, False])
    return cases


def products() -> Cases:
    cases: Cases = {}
    for i, text in enumerate(
        (
            'distance_type: "L2"',
            'distance_type: "L1"',
            'distance_type: "L2" normalize: true',
        )
    ):
        draw = Draw(f"inner_distance_{i}")
        x, weight = draw.normal(3 + i, 5), draw.normal(4, 5)
        # The fork's gradient of the L1 distance is right for a top's gradient of 1 alone.
        ones = 1.0 if "L1" in text else None
        layer = f"inner_distance_param {{ num_output: 4 bias_term: false {text} }}"
        cases[f"inner_distance_{i}"] = (
            "happynear",
            Case(f'type: "InnerDistance" {layer}', [x], [True], [weight], top_diff=ones, gpu=True),
        )
        cases[f"inner_distance_two_{i}"] = (
            "happynear",
            Case(
                f'type: "InnerDistance" {layer}', [x, weight], [True, True], top_diff=ones, gpu=True
            ),
        )
    draw = Draw("inner_distance_own")
    x, weight = draw.normal(5, 3), draw.normal(4, 3)
    label = draw.labels(5, classes=4)
    cases["inner_distance_own"] = (
        "happynear",
        Case(
            'type: "InnerDistance" inner_distance_param { num_output: 4 bias_term: false '
            "update_center_only: true }",
            [x, weight, label],
            [True, True, False],
            gpu=True,
        ),
    )
    for i, text in enumerate(("normalize: true", "normalize: true bias_term: false")):
        draw = Draw(f"inner_product_{i}")
        x, weight, bias = draw.normal(3, 5), draw.normal(4, 5), draw.normal(4)
        text = f'type: "InnerProduct" inner_product_param {{ num_output: 4 {text} }}'
        blobs = [weight, bias][: 1 if "bias" in text else 2]
        cases[f"inner_product_{i}"] = "happynear", Case(text, [x], [True], blobs, gpu=True)
    draw = Draw("inner_product_two")  # with a third bottom, the fork fails a check of its own
    cases["inner_product_two"] = (
        "happynear",
        Case(
            'bottom: "x" bottom: "w" type: "InnerProduct" '
            "inner_product_param { num_output: 4 bias_term: false }",
            [draw.normal(3, 5), draw.normal(4, 5)],
            [True, True],
        ),
    )
    return cases


def losses() -> Cases:
    cases: Cases = {}
    for i, margin in enumerate((0.2, 3)):
        draw = Draw(f"triplet_{i}")
        bottoms = [draw.normal(5 - i, 4) for _ in range(3)]
        text = f'type: "TripletLoss" triplet_loss_param {{ margin: {margin} }}'
        cases[f"triplet_{i}"] = "happynear", Case(text, bottoms, [True] * 3)
    for i, text in enumerate(
        (
            "margin: 0.5",
            "margin: 0.5 add_center_loss: false",
            "margin: 0.5 hardest_only: true negative_weight: 0.7",
            "margin: 0.5 positive_first: true positive_upper_bound: 0.8 positive_weight: 1.5",
        )
    ):
        draw = Draw(f"general_triplet_{i}")
        x, label = draw.uniform(6, 4, high=2), draw.labels(6, classes=4)
        text = (
            'type: "GeneralTripletLoss" loss_weight: [1, 0] '
            f"general_triplet_loss_param {{ {text} }}"
        )
        cases[f"general_triplet_{i}"] = "happynear", Case(text, [x, label], [True, False], tops=2)
    for i, text in enumerate(
        (
            "",
            "positive_margin: 0.3 negative_margin: 1.5 positive_weight: 2 negative_weight: 0.5",
            "max_negative_only: true",
            "positive_first: true positive_upper_bound: 0.8 exp_negative_weight: true",
        )
    ):
        draw = Draw(f"general_contrastive_{i}")
        x, label = draw.uniform(6, 4, high=2), draw.labels(6, classes=4)
        text = (
            'type: "GeneralContrastiveLoss" loss_weight: [1, 0] '
            f"general_contrastive_loss_param {{ {text} }}"
        )
        cases[f"general_contrastive_{i}"] = (
            "happynear",
            Case(text, [x, label], [True, False], tops=2),
        )
    return cases


def shapes() -> Cases:
    cases: Cases = {}
    for i, text in enumerate(
        (
            'normalize_type: "L2"',
            'normalize_type: "L2" bp_norm: true',
            'normalize_type: "L1"',
            'normalize_type: "L2" fix_gradient: true',
        )
    ):
        draw = Draw(f"channel_normalize_{i}")
        x = draw.normal(3 - i % 3, 5, 2, 4)
        text = f'type: "Normalize" normalize_param {{ {text} }}'
        cases[f"channel_normalize_{i}"] = "happynear", Case(text, [x], [True], tops=2, gpu=True)
    for i, text in enumerate(("", "flip_height: true", "flip_width: false flip_height: true")):
        draw = Draw(f"flip_{i}")
        text = f'type: "Flip" flip_param {{ {text} }}'
        cases[f"flip_{i}"] = "happynear", Case(text, [draw.normal(2, 3, 4, 5)], [True])
    for i, c in enumerate((2, 0.7)):
        draw = Draw(f"soft_truncation_{i}")
        text = f'type: "SoftTruncation" soft_truncation_param {{ c: {c} }}'
        cases[f"soft_truncation_{i}"] = "happynear", Case(text, [draw.uniform(3, 5)], [True])
    for i, text in enumerate(("", "do_backward_feature: false", "do_backward_scale: false")):
        draw = Draw(f"channel_scale_{i}")
        x, a = draw.normal(2, 3, 4, 5), draw.normal(2, 1, 4, 5)
        text = f'type: "ChannelScale" channel_scale_param {{ {text} }}'
        flags = [True, "scale: false" not in text]
        cases[f"channel_scale_{i}"] = "happynear", Case(text, [x, a], flags)
    return cases


def cases() -> Cases:
    return centers() | margins() | angles() | products() | losses() | shapes()
