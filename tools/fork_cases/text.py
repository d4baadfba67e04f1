"""caffe-lstm, CTPN and warpctc-caffe."""

import numpy as np

from tools.caffe_layer import Case
from tools.fork_cases._draw import Cases, Draw


def recurrent() -> Cases:
    cases: Cases = {}
    steps, streams, size, units = 5, 1, 3, 4
    for i, text in enumerate(("", "clipping_threshold: 0.1", "")):
        draw = Draw(f"lstm_{i}")
        blobs = [
            draw.normal(4 * units, size),
            draw.normal(4 * units, units),
            draw.normal(4 * units),
        ]
        streams = 1 + i % 2
        bottoms = [draw.normal(steps * streams, size)]
        if i == 2:
            bottoms.append(np.array([0, 1, 1, 1, 1], np.float32))
        text = (
            f'type: "Lstm" lstm_param {{ num_output: {units} batch_size: {streams} {text} '
            'weight_filler { type: "xavier" } bias_filler { type: "constant" } }'
        )
        flags = [True, False][: len(bottoms)]
        # On the CPU the fork adds the first stream's recurrent term to all streams.
        cases[f"lstm_{i}"] = "lstm", Case(text, bottoms, flags, blobs, gpu=streams > 1)
        if i == 2:  # a second batch goes on where the first ended
            ones = [bottoms[0], np.ones(5, np.float32)]
            cases["lstm_carried"] = "lstm", Case(text, ones, flags, blobs, forwards=2)
        if i < 2:
            text = text.replace(f"batch_size: {streams}", "")
            bottoms = [draw.normal(steps, 1, size)]
            cases[f"lstm_ctpn_{i}"] = "ctpn", Case(text, bottoms, [True], blobs)
    return cases


def orders() -> Cases:
    cases: Cases = {}
    for i, text in enumerate(("dim: 1 dim: 0 dim: 2", "dim: 2 dim: 0 dim: 1")):
        draw = Draw(f"transpose_{i}")
        text = f'type: "Transpose" transpose_param {{ {text} }}'
        cases[f"transpose_{i}"] = "ctpn", Case(text, [draw.normal(3, 2, 5)], [True], gpu=True)
    for axis in (0, 1):
        draw = Draw(f"reverse_{axis}")
        text = f'type: "Reverse" reverse_param {{ axis: {axis} }}'
        cases[f"reverse_{axis}"] = "ctpn", Case(text, [draw.normal(3, 2, 5)], [True])
    return cases


def classification() -> Cases:
    cases: Cases = {}
    for i, (streams, blank) in enumerate(((1, 0), (1, 4), (3, 0))):
        draw = Draw(f"ctc_loss_{i}")
        label = draw.labels(streams, 3, classes=4) + (blank == 0)
        label[0, -1] = blank  # the blank fills up shorter labels
        text = (
            'type: "CtcLoss" loss_weight: 1 '
            f"ctc_loss_param {{ alphabet_size: 5 time_step: 7 blank_label: {blank} }}"
        )
        bottoms = [draw.normal(7, streams, 5), label]
        cases[f"ctc_loss_{i}"] = "warpctc", Case(text, bottoms, [True, False])
        label = draw.labels(4, 3, classes=4) + (blank == 0)
        scores = draw.uniform(4, 7, 5)
        for n, t in np.ndindex(1 + i, 6):  # the first sequences spell their labels
            scores[n, t, int(label[n, t // 2]) if t % 2 else blank] += 1
        text = (
            f'type: "LabelsequenceAccuracy" labelsequence_accuracy_param {{ blank_label: {blank} }}'
        )
        cases[f"sequence_accuracy_{i}"] = "warpctc", Case(text, [scores, label])
    cases["continuation"] = (
        "warpctc",
        Case(
            'type: "ContinuationIndicator" '
            "continuation_indicator_param { time_step: 4 batch_size: 3 }",
            [],
        ),
    )
    return cases


def cases() -> Cases:
    return recurrent() | orders() | classification()
