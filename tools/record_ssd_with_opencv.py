"""Record what OpenCV makes of random SSD layers, in tests/reference/forks/ssd_opencv.npz.

Needs OpenCV 4 beside the package: `pip install "opencv-python-headless<5"`. A case is a net, its
weights and inputs, all drawn here, and the outputs that OpenCV computes from them in float32.
`tests/forks/ssd/test_opencv.py` replays the cases.
"""

import itertools
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from caffe_lite.proto import schema, text

TARGET = Path(__file__).resolve().parent.parent / "tests/reference/forks/ssd_opencv.npz"
RNG = np.random.default_rng(2016)
PRIORS, CLASSES = 60, 4

Case = tuple[str, dict[str, np.ndarray], dict[str, list[np.ndarray]]]


def net(inputs: dict[str, np.ndarray], layers: str) -> str:
    """A net's text with Input layers of these shapes."""
    made = []
    for name, array in inputs.items():
        dims = " ".join(f"dim: {size}" for size in array.shape)
        shape = f"input_param {{ shape {{ {dims} }} }}"
        made.append(f'layer {{ name: "{name}" type: "Input" top: "{name}" {shape} }}')
    return "\n".join([*made, layers])


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def permute() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for order in ((0, 2, 3, 1), (0, 3, 1, 2), (0, 1, 3, 2), (0, 2, 1, 3), (1, 0, 2, 3)):
        axes = " ".join(f"order: {axis}" for axis in order)
        inputs = {"x": normal(2, 3, 4, 5)}
        layer = (
            f'layer {{ name: "y" type: "Permute" bottom: "x" top: "y" permute_param {{ {axes} }} }}'
        )
        cases[f"permute_{''.join(map(str, order))}"] = (net(inputs, layer), inputs, {})
    return cases


def normalize() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for across, shared in (("true", "true"), ("false", "true"), ("false", "false")):
        inputs = {"x": normal(2, 3, 4, 5)}
        scale = RNG.uniform(1, 20, () if shared == "true" else 3).astype(np.float32)
        layer = f"""layer {{ name: "y" type: "Normalize" bottom: "x" top: "y"
            norm_param {{ across_spatial: {across} channel_shared: {shared} }} }}"""
        name = f"normalize_across_{across}_shared_{shared}"
        cases[name] = (net(inputs, layer), inputs, {"y": [scale]})
    return cases


def prior_box() -> dict[str, Case]:
    four = "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2"
    # OpenCV wants clip and variance to be there, and takes no notice of img_size.
    params = [
        "min_size: 10 clip: false variance: 0.1",
        f"min_size: 10 max_size: 23 aspect_ratio: 2 clip: false {four}",
        f"min_size: 10 max_size: 23 aspect_ratio: 2 aspect_ratio: 3 clip: true {four}",
        f"min_size: 12 max_size: 25 aspect_ratio: 2 flip: false step: 8 clip: false {four}",
        "min_size: 30 aspect_ratio: 3 step: 16 offset: 0.25 clip: false variance: 0.3",
        f"min_size: 10 step_h: 7 step_w: 9 clip: false {four}",
        f"min_size: 6 min_size: 9 max_size: 8 max_size: 13 aspect_ratio: 2 clip: false {four}",
        f"width: 9.5 width: 20 height: 14 height: 30.5 step: 16 clip: false {four}",
        "min_size: 10 aspect_ratio: 2 offset_w: 0.5 offset_w: 0.25 offset_h: 0.5 offset_h: 1 "
        f"clip: false {four}",
    ]
    cases: dict[str, Case] = {}
    for i, param in enumerate(params):
        inputs = {"x": normal(1, 2, 3, 5), "data": normal(1, 3, 40, 70)}
        layer = f"""layer {{ name: "y" type: "PriorBox" bottom: "x" bottom: "data" top: "y"
            prior_box_param {{ {param} }} }}"""
        cases[f"prior_box_{i}"] = (net(inputs, layer), inputs, {})
    return cases


def detection_inputs(codes: int, images: int = 2) -> dict[str, np.ndarray]:
    center, half = RNG.uniform(0.2, 0.8, (PRIORS, 2)), RNG.uniform(0.08, 0.2, (PRIORS, 2))
    boxes = np.concatenate([center - half, center + half], axis=1)
    priors = np.stack([boxes.ravel(), RNG.uniform(0.1, 0.4, PRIORS * 4)])[None]
    scores = RNG.dirichlet(np.ones(CLASSES), (images, PRIORS)).reshape(images, -1)
    return {
        "loc": 0.3 * normal(images, PRIORS * codes * 4),
        "conf": scores.astype(np.float32),
        "prior": priors.astype(np.float32),
    }


def detection_output() -> dict[str, Case]:
    variants = [
        "confidence_threshold: 0.2 nms_param { nms_threshold: 0.45 top_k: 40 } keep_top_k: 20",
        "confidence_threshold: 0.05 nms_param { nms_threshold: 0.3 top_k: 100 } keep_top_k: 200",
        "confidence_threshold: 0.1 nms_param { nms_threshold: 0.7 top_k: 50 } keep_top_k: 300",
        "confidence_threshold: 0.1 nms_param { nms_threshold: 0.45 top_k: 400 } keep_top_k: 9",
    ]
    cases: dict[str, Case] = {}
    codes = ("CORNER", "CENTER_SIZE")  # OpenCV lacks CORNER_SIZE
    for code, share, variant in itertools.product(codes, ("true", "false"), range(len(variants))):
        inputs = detection_inputs(1 if share == "true" else CLASSES)
        layer = f"""layer {{ name: "y" type: "DetectionOutput" bottom: "loc" bottom: "conf"
            bottom: "prior" top: "y" detection_output_param {{ num_classes: {CLASSES}
            share_location: {share} code_type: {code} background_label_id: {variant % 2 * 2}
            {variants[variant]} }} }}"""
        cases[f"detection_{code}_{share}_{variant}"] = (net(inputs, layer), inputs, {})
    return cases


def head(name: str, bottom: str, priors: int, param: str) -> tuple[str, dict[str, tuple]]:
    """SSD's layers on one feature map, and the shapes of their weights."""
    layers, shapes = [], {}
    for kind, outputs in (("loc", 4 * priors), ("conf", CLASSES * priors)):
        top = f"{name}_{kind}"
        layers.append(f"""
            layer {{ name: "{top}" type: "Convolution" bottom: "{bottom}" top: "{top}"
                     convolution_param {{ num_output: {outputs} kernel_size: 3 pad: 1 }} }}
            layer {{ name: "{top}_perm" type: "Permute" bottom: "{top}" top: "{top}_perm"
                     permute_param {{ order: 0 order: 2 order: 3 order: 1 }} }}
            layer {{ name: "{top}_flat" type: "Flatten" bottom: "{top}_perm" top: "{top}_flat"
                     flatten_param {{ axis: 1 }} }}""")
        shapes[top] = (outputs, 5, 3, 3)
    layers.append(f"""
        layer {{ name: "{name}_prior" type: "PriorBox" bottom: "{bottom}" bottom: "data"
                 top: "{name}_prior" prior_box_param {{ {param} }} }}""")
    return "".join(layers), shapes


def whole() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for i in range(3):
        inputs = {"data": normal(1, 3, 48, 64)}
        first, shapes = head(
            "a", "norm", 4, "min_size: 8 max_size: 14 aspect_ratio: 2 clip: false variance: 0.1"
        )
        second, more = head(
            "b", "conv2", 3, "min_size: 20 aspect_ratio: 2 clip: true variance: 0.2"
        )
        shapes |= more | {"conv1": (5, 3, 3, 3), "conv2": (5, 5, 3, 3)}
        weights = {
            layer: [0.2 * normal(*shape), 0.1 * normal(shape[0])] for layer, shape in shapes.items()
        }
        weights["norm"] = [RNG.uniform(1, 5, 5).astype(np.float32)]
        parts = "\n".join(
            f"""layer {{ name: "{kind}" type: "Concat" bottom: "a_{kind}" bottom: "b_{kind}"
                top: "{kind}" concat_param {{ axis: {axis} }} }}"""
            for kind, axis in (("loc_flat", 1), ("conf_flat", 1), ("prior", 2))
        )
        layers = f"""
            layer {{ name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
                     convolution_param {{ num_output: 5 kernel_size: 3 stride: 8 pad: 1 }} }}
            layer {{ name: "norm" type: "Normalize" bottom: "conv1" top: "norm"
                     norm_param {{ across_spatial: false channel_shared: false }} }}
            layer {{ name: "conv2" type: "Convolution" bottom: "norm" top: "conv2"
                     convolution_param {{ num_output: 5 kernel_size: 3 stride: 2 pad: 1 }} }}
            {first} {second} {parts}
            layer {{ name: "rows" type: "Reshape" bottom: "conf_flat" top: "rows"
                     reshape_param {{ shape {{ dim: 0 dim: -1 dim: {CLASSES} }} }} }}
            layer {{ name: "soft" type: "Softmax" bottom: "rows" top: "soft"
                     softmax_param {{ axis: 2 }} }}
            layer {{ name: "scores" type: "Flatten" bottom: "soft" top: "scores"
                     flatten_param {{ axis: 1 }} }}
            layer {{ name: "y" type: "DetectionOutput" bottom: "loc_flat" bottom: "scores"
                     bottom: "prior" top: "y" detection_output_param {{ num_classes: {CLASSES}
                     code_type: CENTER_SIZE background_label_id: 0 share_location: true
                     confidence_threshold: 0.2 keep_top_k: 50
                     nms_param {{ nms_threshold: 0.45 top_k: 100 }} }} }}"""
        cases[f"whole_{i}"] = (net(inputs, layers), inputs, weights)
    return cases


def run(case: Case) -> np.ndarray:
    """The blob "y" that OpenCV computes."""
    prototxt, inputs, weights = case
    message = text.parse(prototxt, schema.NetParameter)
    for layer in message.layer:
        for array in weights.get(layer.name, ()):
            blob = layer.blobs.add(data=array.ravel().tolist())
            blob.shape.dim.extend(array.shape or (1,))
    model = message.SerializeToString() if weights else b""
    opencv = cv2.dnn.readNetFromCaffe(
        np.frombuffer(prototxt.encode(), np.uint8), np.frombuffer(model, np.uint8)
    )
    for name, array in inputs.items():
        opencv.setInput(array, name)
    output = opencv.forward("y")
    if output.shape[-1] != 7:
        return output
    return output[:, :, output[0, 0, :, 2] > 0]  # OpenCV fills up to keep_top_k rows with zeros


def main() -> None:
    cases = permute() | normalize() | prior_box() | detection_output() | whole()
    arrays: dict[str, Any] = {}
    for name, case in cases.items():
        prototxt, inputs, weights = case
        arrays[f"{name}/net"] = np.array(" ".join(prototxt.split()))
        arrays |= {f"{name}/in/{key}": array for key, array in inputs.items()}
        for layer, blobs in weights.items():
            arrays |= {f"{name}/blob/{layer}/{i}": array for i, array in enumerate(blobs)}
        arrays[f"{name}/out"] = run(case)
        print(name, arrays[f"{name}/out"].shape)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(TARGET, **arrays)
    print(f"{TARGET.name}: {len(cases)} cases, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
