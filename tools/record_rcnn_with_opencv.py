"""Record what OpenCV makes of random R-CNN layers, in tests/reference/forks/rcnn_opencv.npz.

Needs OpenCV 4 beside the package: `pip install "opencv-python-headless<5"`. A case is a net, its
inputs, drawn here, and the outputs that OpenCV computes from them in float32.
`tests/forks/rcnn/test_opencv.py` replays the cases.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

TARGET = Path(__file__).resolve().parent.parent / "tests/reference/forks/rcnn_opencv.npz"
RNG = np.random.default_rng(2015)

Case = tuple[str, dict[str, np.ndarray]]


def net(inputs: dict[str, np.ndarray], kind: str, param: str) -> str:
    """A net's text: Input layers of these shapes, and a layer over them with the top "y"."""
    made = []
    for name, array in inputs.items():
        dims = " ".join(f"dim: {size}" for size in array.shape)
        shape = f"input_param {{ shape {{ {dims} }} }}"
        made.append(f'layer {{ name: "{name}" type: "Input" top: "{name}" {shape} }}')
    bottoms = " ".join(f'bottom: "{name}"' for name in inputs)
    made.append(f'layer {{ name: "y" type: "{kind}" {bottoms} top: "y" {param} }}')
    return "\n".join(made)


def regions(count: int, height: float, width: float) -> np.ndarray:
    """Random regions of image 0, whole pixels, some of which leave the image a little."""
    x = np.sort(RNG.integers(-3, int(width) + 3, (count, 2)), axis=1)
    y = np.sort(RNG.integers(-3, int(height) + 3, (count, 2)), axis=1)
    rows = [np.zeros(count), x[:, 0], y[:, 0], x[:, 1], y[:, 1]]
    return np.column_stack(rows).astype(np.float32)


def roi_pooling() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for i, (size, scale) in enumerate(((7, 0.0625), (3, 0.125), (6, 0.25), (2, 0.0625))):
        x = RNG.normal(size=(1, 3, 10, 13)).astype(np.float32)
        inputs = {"x": x, "rois": regions(9, 10 / scale, 13 / scale)}
        param = f"pooled_h: {size} pooled_w: {size + 1} spatial_scale: {scale}"
        text = net(inputs, "ROIPooling", f"roi_pooling_param {{ {param} }}")
        cases[f"roi_pooling_{i}"] = (text, inputs)
    return cases


def psroi_pooling() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for i, (side, dim, scale) in enumerate(((3, 2, 0.0625), (2, 5, 0.125), (4, 1, 0.25))):
        x = RNG.normal(size=(1, dim * side * side, 9, 12)).astype(np.float32)
        inputs = {"x": x, "rois": regions(9, 9 / scale, 12 / scale)}
        param = f"output_dim: {dim} group_size: {side} spatial_scale: {scale}"
        text = net(inputs, "PSROIPooling", f"psroi_pooling_param {{ {param} }}")
        cases[f"psroi_pooling_{i}"] = (text, inputs)
    return cases


def proposal() -> dict[str, Case]:
    options = [
        "ratio: 1 scale: 8",
        "ratio: 0.5 ratio: 1 ratio: 2 scale: 4 scale: 8",
        "ratio: 0.5 ratio: 2 scale: 2 scale: 3 feat_stride: 8 base_size: 8 nms_thresh: 0.4",
        "ratio: 1 ratio: 2 scale: 4 pre_nms_topn: 40 post_nms_topn: 12",
    ]
    cases: dict[str, Case] = {}
    for i, param in enumerate(options):
        count = param.count("ratio:") * param.count("scale:")
        height, width = 6, 9
        # Scores that all differ, so that no order is open.
        scores = RNG.permutation(np.linspace(0.01, 0.99, 2 * count * height * width))
        stride = 8 if "feat_stride" in param else 16
        inputs = {
            "scores": scores.reshape(1, -1, height, width).astype(np.float32),
            "codes": (0.2 * RNG.normal(size=(1, 4 * count, height, width))).astype(np.float32),
            "info": np.array([[height * stride, width * stride, 1]], np.float32),
        }
        text = net(inputs, "Proposal", f"proposal_param {{ {param} min_size: 0 }}")
        cases[f"proposal_{i}"] = (text, inputs)
    return cases


def run(case: Case) -> np.ndarray:
    """The blob "y" that OpenCV computes."""
    prototxt, inputs = case
    opencv = cv2.dnn.readNetFromCaffe(
        np.frombuffer(prototxt.encode(), np.uint8), np.frombuffer(b"", np.uint8)
    )
    for name, array in inputs.items():
        opencv.setInput(array, name)
    output = opencv.forward("y")
    if "proposal" in prototxt:  # OpenCV fills up to post_nms_topn rows with zeros
        rows = output.reshape(-1, 5)
        output = rows[rows.any(axis=1)]
    return output


def main() -> None:
    cases = roi_pooling() | psroi_pooling() | proposal()
    arrays: dict[str, Any] = {}
    for name, case in cases.items():
        prototxt, inputs = case
        arrays[f"{name}/net"], arrays[f"{name}/out"] = np.array(prototxt), run(case)
        arrays |= {f"{name}/in/{key}": array for key, array in inputs.items()}
    np.savez_compressed(TARGET, **arrays)
    print(f"{TARGET}: {len(cases)} cases of OpenCV {cv2.__version__}")


if __name__ == "__main__":
    main()
