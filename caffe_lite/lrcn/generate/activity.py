"""LRCN's activity nets: fc6 or fc7 features, LSTM layers over time, RGB or flow."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from caffe_lite.errors import UsageError
from caffe_lite.lrcn.generate.layers import (
    ACTIVITY,
    Convnet,
    convolutions,
    filler,
    fully_connected,
    inputs,
    layer,
    learning,
    lstm,
)


@dataclass(frozen=True)
class Activity:
    """What a net of activity recognition is made of; the defaults are the paper's for RGB.

    `modality` is "rgb" or "flow". `layers` LSTM layers have `units` units each; 0 layers give the
    net of single frames. `features`, "fc6" or "fc7", is what they read; by default fc6, and fc7 for
    single frames. Clips have `frames` frames; batches of `clips` of them are trained on, of
    `test_clips` tested. `dropout` is the ratio after features that LSTM layers read; after other
    layers of units it is 0.5.

    Frames are resized to `size` (height, width); training crops are mirrored at random if `mirror`
    is set. `schedule` holds fields of the solver that replace the paper's.
    """

    modality: str = "rgb"
    features: str = ""
    units: int = 256
    layers: int = 1
    classes: int = 101
    frames: int = 16
    clips: int = 24
    test_clips: int = 3
    crop: int = 227
    size: tuple[int, int] = (240, 320)
    mirror: bool = True
    dropout: float = 0.9
    convnet: Convnet = ACTIVITY
    schedule: Mapping[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.features:
            object.__setattr__(self, "features", "fc6" if self.layers else "fc7")
        if self.modality not in ("rgb", "flow") or self.features not in ("fc6", "fc7"):
            raise UsageError(
                f"activity nets are for rgb or flow with features fc6 or fc7, got {self.modality} "
                f"and {self.features}"
            )


# base_lr steps by 0.1 every `stepsize` iterations, as in LRCN's solvers.
_SCHEDULES = {
    ("rgb", True): {"stepsize": 10000, "max_iter": 30000, "clip_gradients": 5},
    ("flow", True): {"stepsize": 20000, "max_iter": 70000, "clip_gradients": 15},
    ("rgb", False): {"stepsize": 3000, "max_iter": 5000},
    ("flow", False): {"stepsize": 20000, "max_iter": 50000},
}


def activity_files(net: Activity) -> dict[str, str]:
    """The text of train_test.prototxt, deploy.prototxt and solver.prototxt."""
    return {
        "train_test.prototxt": _train_test(net),
        "deploy.prototxt": _deploy(net),
        "solver.prototxt": _solver(net),
    }


def _title(net: Activity) -> str:
    over = f"{net.layers} x {net.units} LSTM units" if net.layers else "single frames"
    return f"# Activity recognition: {net.modality}, {net.features}, {over}.\n"


def _scores(net: Activity) -> str:
    """The name of the last layer and its blob."""
    return "fc8-final" if net.layers else "fc8-ucf"


def _convnet(net: Activity, dropout: float | None) -> str:
    text = convolutions(net.convnet, learning(1, 2))
    last = net.features == "fc6"
    text += fully_connected(
        net.convnet, 6, net.convnet.top, learning(1, 2), dropout if last else dropout and 0.5
    )
    return text if last else text + fully_connected(net.convnet, 7, "fc6", learning(1, 2), dropout)


def _steps(name: str, blob: str, top: str, *sizes: int) -> str:
    dims = " ".join(f"dim: {size}" for size in sizes)
    return layer(name, "Reshape", blob, top, f"  reshape_param {{ shape {{ {dims} }} }}")


def _recurrent(net: Activity, dropout: bool) -> str:
    """The class scores over T steps of N clips, from the features and the clip markers."""
    below = f"{net.features}-reshape"
    text = _steps("reshape-data", net.features, below, net.frames, -1, net.convnet.units)
    text += _steps("reshape-cm", "clip_markers", "reshape-cm", net.frames, -1)
    for number in range(1, net.layers + 1):
        name = f"lstm{number}"
        text += lstm(name, [below, "reshape-cm"], net.units, 0.01)
        below = name
        if dropout:
            ratio = "  dropout_param { dropout_ratio: 0.5 }"
            below = f"{name}-drop"
            text += layer(below, "Dropout", name, below, ratio)
    return text + _classes(net, below, axis=2)


def _classes(net: Activity, below: str, axis: int) -> str:
    name = _scores(net)
    return layer(
        name,
        "InnerProduct",
        below,
        name,
        learning(10, 20),
        f"  inner_product_param {{\n    num_output: {net.classes}\n    axis: {axis}\n"
        f"    weight_filler {filler('gaussian', std=0.01)}\n"
        f"    bias_filler {filler('constant', value=0)}\n  }}",
    )


def _train_test(net: Activity) -> str:
    kind = "RGB" if net.modality == "rgb" else "flow"
    text = _title(net) + f'name: "activity_{net.modality}_{net.features}"\n'
    for phase, clips in (("Train", net.clips), ("Test", net.test_clips)):
        setting: dict[str, object] = {"buffer": clips, "frames": net.frames, "crop": net.crop}
        if net.size != Activity.size:
            setting |= {"height": net.size[0], "width": net.size[1]}
        if not net.mirror:
            setting["mirror"] = False
        text += layer(
            "data",
            "Python",
            [],
            ["data", "label", "clip_markers"],
            '  python_param {\n    module: "sequence_input_layer"'
            f' layer: "videoRead{phase}_{kind}"\n'
            f"    param_str: '{json.dumps(setting)}'\n  }}",
            when=f"include {{ phase: {phase.upper()} }}",
        )
    text += _convnet(net, net.dropout if net.layers else 0.5)
    if net.layers:
        text += _recurrent(net, dropout=True)
        text += _steps("reshape-label", "label", "reshape-label", net.frames, -1)
        label, axis = "reshape-label", 2
    else:
        text += layer("unordered", "Silence", "clip_markers", [])
        text += _classes(net, net.features, axis=1)
        label, axis = "label", 1
    scored = [_scores(net), label]
    text += layer("loss", "SoftmaxWithLoss", scored, "loss", f"  softmax_param {{ axis: {axis} }}")
    return text + layer(
        "accuracy",
        "Accuracy",
        scored,
        "accuracy",
        f"  accuracy_param {{ axis: {axis} }}",
        when="include { phase: TEST }",
    )


def _deploy(net: Activity) -> str:
    """Ten crops of a clip at a time, as LRCN's evaluation takes them."""
    items = 10 * (net.frames if net.layers else 1)
    shapes: dict[str, tuple[int, ...]] = {"data": (items, 3, net.crop, net.crop)}
    if net.layers:
        shapes["clip_markers"] = (items, 1, 1, 1)
    text = _title(net) + f'name: "activity_{net.modality}_{net.features}"\n' + inputs(**shapes)
    text += _convnet(net, None)
    text += _recurrent(net, dropout=False) if net.layers else _classes(net, net.features, axis=1)
    axis = 2 if net.layers else 1
    return text + layer(
        "probs", "Softmax", _scores(net), "probs", f"  softmax_param {{ axis: {axis} }}"
    )


def _solver(net: Activity) -> str:
    schedule: dict[str, object] = {
        "test_iter": 100,
        "test_interval": 100,
        "base_lr": 0.001,
        "lr_policy": '"step"',
        "gamma": 0.1,
        "display": 20,
        "momentum": 0.9,
        "weight_decay": 0.005,
        "snapshot": 5000,
        "average_loss": 1000,
        **_SCHEDULES[net.modality, net.layers > 0],
        **net.schedule,
    }
    over = f"lstm{net.layers}x{net.units}" if net.layers else "single_frame"
    lines = [
        _title(net).strip(),
        'net: "train_test.prototxt"',
        f'snapshot_prefix: "{net.modality}_{net.features}_{over}"',
        "solver_mode: GPU",
        "random_seed: 1701",
        *(f"{name}: {value}" for name, value in schedule.items()),
    ]
    return "\n".join(lines) + "\n"
