"""Record what OpenCV's dnn module says and computes, in tests/dnn/opencv.npz.

Needs OpenCV 4.14 beside the package: `pip install "opencv-python-headless==4.14.*"`. The cases are
drawn here; `tests/dnn/test_recorded.py` replays them. A file holds, by case, the inputs and the
answers as arrays, and the arguments as JSON.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tools.dnn_answers import blob_of, facts, model_answers, values
from tools.dnn_nets import RandomNet

TARGET = Path(__file__).resolve().parent.parent / "tests/dnn/opencv.npz"
NETS = 14

DETECTOR = """
input: "data" input_shape { dim: 1 dim: 3 dim: 16 dim: 24 }
layer { name: "f" type: "Pooling" bottom: "data" top: "f"
        pooling_param { pool: MAX kernel_size: 8 stride: 8 } }
layer { name: "priors" type: "PriorBox" bottom: "f" bottom: "data" top: "priors"
        prior_box_param { min_size: 6.5 max_size: 12.3 aspect_ratio: 2 flip: true
                          variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 } }
layer { name: "boxes" type: "InnerProduct" bottom: "f" top: "boxes"
        inner_product_param { num_output: 96 weight_filler { type: "gaussian" std: 0.003 } } }
layer { name: "labels" type: "InnerProduct" bottom: "f" top: "labels"
        inner_product_param { num_output: 72 weight_filler { type: "gaussian" std: 0.003 } } }
layer { name: "by_class" type: "Reshape" bottom: "labels" top: "by_class"
        reshape_param { shape { dim: 0 dim: -1 dim: 3 } } }
layer { name: "scores" type: "Softmax" bottom: "by_class" top: "scores"
        softmax_param { axis: 2 } }
layer { name: "flat" type: "Flatten" bottom: "scores" top: "flat" }
layer { name: "detections" type: "DetectionOutput" bottom: "boxes" bottom: "flat" bottom: "priors"
        top: "detections"
        detection_output_param { num_classes: 3 share_location: true background_label_id: 0
            code_type: CENTER_SIZE keep_top_k: 8 confidence_threshold: 0.1
            nms_param { nms_threshold: 0.45 top_k: 100 } } }
"""
POOLING = """
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 1 dim: 3 dim: 16 dim: 24 } } }
layer { name: "p" type: "Pooling" bottom: "data" top: "p"
        pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
"""
# What a net of one layer is given: the array's shape and type, and setInput's arguments.
INPUTS: list[tuple[tuple[int, ...], str, dict[str, Any]]] = [
    ((1, 4, 3, 5), "f4", {"scalefactor": 0.5, "mean": [1, 2, 3, 4]}),
    ((2, 4, 3, 5), "f4", {"scalefactor": 2.0}),
    ((2, 3, 3, 5), "f4", {"mean": [1, 2]}),
    ((1, 1, 3, 5), "f8", {"scalefactor": 0.5, "mean": 3.0}),
    ((1, 2, 3, 5), "u1", {"name": "data", "scalefactor": 0.5, "mean": [1, 2]}),
    ((1, 6, 3, 5), "i4", {"scalefactor": 0.1}),
    ((1, 6, 3, 5), "f2", {}),
    ((7, 5), "f4", {}),
    ((7,), "f4", {"scalefactor": 3.0}),
    ((2, 3, 4), "i1", {}),
    ((1, 2, 3, 2, 2), "u2", {}),
]


def image_cases(rng: np.random.Generator) -> list[tuple[str, np.ndarray, dict[str, Any]]]:
    """Names of functions, images and arguments."""
    cases = []
    for number in range(60):
        shape = (*rng.integers(6, 30, 2).tolist(), int(rng.choice([1, 3, 4])))
        image = rng.integers(0, 256, shape).astype(rng.choice(["u1", "u1", "u1", "f4"]))
        if shape[2] == 1 and number % 2:
            image = image[..., 0]
        arguments: dict[str, Any] = {
            "scalefactor": float(rng.choice([1, 1 / 255, 0.5])),
            "size": rng.integers(6, 30, 2).tolist() if number % 5 else [0, 0],
            "mean": np.round(rng.random(int(rng.integers(0, 5))) * 100, 2).tolist(),
            "swapRB": bool(rng.random() < 0.5),
        }
        if number % 3 == 0:
            arguments |= {"paddingmode": int(number // 3 % 3), "borderValue": [3, 5, 7, 9]}
            arguments["scalefactor"] = [arguments["scalefactor"]] * 3 + [0.25]
            arguments["datalayout"] = 4 if shape[2] == 3 and image.dtype == np.uint8 else 2
            cases.append(("blobFromImageWithParams", image, arguments))
        else:
            arguments["crop"] = bool(rng.random() < 0.5)
            if number % 7 == 1 and image.dtype == np.uint8:
                arguments |= {"ddepth": 0, "mean": [], "scalefactor": 1.0}
            cases.append(("blobFromImage", image, arguments))
    return cases


def box_cases(rng: np.random.Generator) -> list[tuple[str, list[Any]]]:
    """Names of functions and their arguments."""
    cases: list[tuple[str, list[Any]]] = []
    for number in range(30):
        count = int(rng.integers(0, 30))
        boxes = rng.integers(0, 60, (count, 4))
        boxes[:, 2:] //= 2
        scores = np.round(rng.random(count), 2).tolist()
        least, overlap = float(rng.choice([0, 0.1, 0.5])), float(rng.choice([0, 0.2, 0.4, 0.7]))
        eta, top = float(rng.choice([1, 0.9])), int(rng.choice([0, 5]))
        if number % 3 == 0:
            cases.append(("NMSBoxes", [boxes.tolist(), scores, least, overlap, eta, top]))
        elif number % 3 == 1:
            classes = rng.integers(0, 3, count).tolist()
            arguments = [boxes.tolist(), scores, classes, least, overlap, eta, top]
            cases.append(("NMSBoxesBatched", arguments))
        else:
            method = int(rng.choice([1, 2]))
            cases.append(
                ("softNMSBoxes", [boxes.tolist(), scores, least, overlap, top, 0.5, method])
            )
    return cases


def main() -> None:
    arrays: dict[str, Any] = {"version": np.array(cv2.__version__)}
    record = arrays.__setitem__
    rng = np.random.default_rng(414)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(NETS):
            net = RandomNet(seed)
            weights = net.weights(folder)
            inputs = net.values()
            opencv = cv2.dnn.readNetFromCaffe(str(folder / "net.prototxt"), str(weights))
            opencv.enableFusion(False)
            said = facts(opencv, [array.shape for array in inputs.values()])
            record(f"net/{seed}/text", np.array(net.text))
            record(f"net/{seed}/weights", np.frombuffer(weights.read_bytes(), np.uint8))
            record(f"net/{seed}/facts", np.array(json.dumps(said)))
            for key, array in inputs.items():
                record(f"net/{seed}/in/{key}", array)
            for key, array in values(opencv, inputs).items():
                if not key.startswith("one "):
                    record(f"net/{seed}/out/{key}", array)
        for i, (function, image, arguments) in enumerate(image_cases(rng)):
            record(f"image/{i}/call", np.array(json.dumps([function, arguments])))
            record(f"image/{i}/in", image.copy())
            record(f"image/{i}/out", blob_of(cv2.dnn, function, image, arguments))
        for i, (function, given) in enumerate(box_cases(rng)):
            found: Any = getattr(cv2.dnn, function)(*given)
            found = found if function == "softNMSBoxes" else (found,)
            record(f"boxes/{i}/call", np.array(json.dumps([function, given])))
            for j, array in enumerate(found):
                record(f"boxes/{i}/out/{j}", np.asarray(array))
        for i, (shape, kind, given_input) in enumerate(INPUTS):
            array = (rng.random(shape) * 100).astype(kind)
            text = b'input: "data" layer { name: "y" type: "Power" bottom: "data" top: "y" }'
            opencv = cv2.dnn.readNetFromCaffe(np.frombuffer(text, np.uint8))
            opencv.setInput(array, **given_input)
            record(f"input/{i}/call", np.array(json.dumps(given_input)))
            record(f"input/{i}/in", array)
            record(f"input/{i}/out", opencv.forward())
        arrays |= record_models(folder, rng)
    np.savez_compressed(TARGET, **arrays)
    print(f"{TARGET}: {len(arrays)} arrays, {TARGET.stat().st_size // 1024} KB")


def record_models(folder: Path, rng: np.random.Generator) -> dict[str, np.ndarray]:
    from caffe_lite import Net
    from caffe_lite.proto import schema
    from caffe_lite.weights import write_caffemodel

    definition, weights = folder / "detector.prototxt", folder / "detector.caffemodel"
    pooling = folder / "pooling.prototxt"
    definition.write_text(DETECTOR)
    pooling.write_text(POOLING)
    with Net(str(definition), schema.TEST, seed=1) as net:
        write_caffemodel(net, weights)
    image = rng.integers(0, 256, (50, 70, 3)).astype(np.uint8)
    files = [str(definition), str(weights), str(pooling)]
    arrays = {
        "models/image": image,
        "models/detector": np.array(DETECTOR),
        "models/pooling": np.array(POOLING),
        "models/weights": np.frombuffer(weights.read_bytes(), np.uint8),
    }
    for name, answers in model_answers(cv2.dnn, files, image).items():
        for i, answer in enumerate(answers):
            arrays[f"models/{name}/{i}"] = np.asarray(answer)
    return arrays


if __name__ == "__main__":
    main()
