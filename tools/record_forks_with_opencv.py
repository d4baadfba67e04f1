"""Record what OpenCV makes of random layers of forks, in tests/reference/forks/layers_opencv.npz.

Needs OpenCV 4 beside the package: `pip install "opencv-python-headless<5"`. A case is a net, its
weights and inputs, all drawn here, and the outputs that OpenCV computes from them in float32.
`tests/forks/test_opencv.py` replays the cases.

OpenCV 4.12 runs Reorg with stride 2 alone and Interp without `shrink_factor` alone; it has no BN
and no Upsample; of Resample it has NEAREST alone. Its Axpy computes a * x2 + x1, where SENet's
layer computes a * x1 + x2.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tools.record_ssd_with_opencv import Case, net, run

TARGET = Path(__file__).resolve().parent.parent / "tests/reference/forks/layers_opencv.npz"
RNG = np.random.default_rng(2017)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def layer(kind: str, inputs: dict[str, np.ndarray], param: str = "") -> str:
    bottoms = " ".join(f'bottom: "{name}"' for name in inputs)
    return net(inputs, f'layer {{ name: "y" type: "{kind}" {bottoms} top: "y" {param} }}')


def interp() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for i, param in enumerate(
        (
            "zoom_factor: 2",
            "zoom_factor: 3",
            "height: 9 width: 4",
            "height: 13 width: 17",
        )
    ):
        inputs = {"x": normal(2, 3, 7, 6)}
        cases[f"interp_{i}"] = layer("Interp", inputs, f"interp_param {{ {param} }}"), inputs, {}
    return cases


def relu6() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for i, shape in enumerate(((2, 3, 4, 5), (1, 7, 3, 2))):
        inputs = {"x": 5 * normal(*shape)}
        cases[f"relu6_{i}"] = layer("ReLU6", inputs), inputs, {}
    return cases


def channels() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for group in (2, 3, 6):
        inputs = {"x": normal(2, 6, 3, 4)}
        param = f"shuffle_channel_param {{ group: {group} }}"
        cases[f"shuffle_{group}"] = layer("ShuffleChannel", inputs, param), inputs, {}
    for shape in ((2, 4, 4, 6), (1, 12, 6, 2), (3, 8, 2, 4)):
        inputs = {"x": normal(*shape)}
        param = "reorg_param { stride: 2 }"
        cases[f"reorg_{shape[1]}"] = layer("Reorg", inputs, param), inputs, {}
    return cases


def depthwise() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for i, param in enumerate(
        ("kernel_size: 3 pad: 1", "kernel_size: 3 stride: 2 pad: 1 dilation: 2")
    ):
        inputs = {"x": normal(2, 4, 9, 8)}
        weights = {"y": [normal(4, 1, 3, 3), normal(4)]}
        param = f"convolution_param {{ num_output: 4 group: 4 {param} }}"
        cases[f"depthwise_{i}"] = layer("ConvolutionDepthwise", inputs, param), inputs, weights
    return cases


def small_net() -> dict[str, Case]:
    """Layers of MobileNet, ShuffleNet and PSPNet one behind the other."""
    inputs = {"x": normal(1, 4, 12, 10)}
    weights = {
        "dw": [normal(4, 1, 3, 3), normal(4)],
        "pw": [0.5 * normal(8, 2, 1, 1), normal(8)],
    }
    layers = """
        layer { name: "dw" type: "ConvolutionDepthwise" bottom: "x" top: "dw"
                convolution_param { num_output: 4 group: 4 kernel_size: 3 pad: 1 stride: 2 } }
        layer { name: "relu6" type: "ReLU6" bottom: "dw" top: "dw" }
        layer { name: "pw" type: "Convolution" bottom: "dw" top: "pw"
                convolution_param { num_output: 8 group: 2 kernel_size: 1 } }
        layer { name: "shuffle" type: "ShuffleChannel" bottom: "pw" top: "shuffle"
                shuffle_channel_param { group: 2 } }
        layer { name: "y" type: "Interp" bottom: "shuffle" top: "y"
                interp_param { zoom_factor: 2 } }"""
    return {"small_net": (net(inputs, layers), inputs, weights)}


def flownet() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for i, param in enumerate(
        (
            "pad: 4 kernel_size: 1 max_displacement: 4 stride_1: 1 stride_2: 2",
            "pad: 3 kernel_size: 3 max_displacement: 2 stride_1: 1 stride_2: 1",
            "pad: 2 kernel_size: 1 max_displacement: 2 stride_1: 2 stride_2: 1",
        )
    ):
        inputs = {"a": normal(1, 3, 8, 9), "b": normal(1, 3, 8, 9)}
        param = f"correlation_param {{ {param} }}"
        cases[f"correlation_{i}"] = layer("Correlation", inputs, param), inputs, {}
    for i in range(2):
        inputs = {"a": normal(1, 3, 8, 9), "b": 2 * normal(1, 2, 8, 9)}
        cases[f"flow_warp_{i}"] = layer("FlowWarp", inputs), inputs, {}
    for i, param in enumerate(("have_reference: true", "size_divisible_by: 4")):
        inputs = {"a": normal(1, 3, 3, 4), "b": normal(1, 2, 8, 9)}
        cases[f"accum_{i}"] = layer("Accum", inputs, f"accum_param {{ {param} }}"), inputs, {}
    for factor in (2, 3):
        inputs = {"a": normal(1, 3, 3, 4)}
        param = f"resample_param {{ type: NEAREST antialias: false factor: {factor} }}"
        cases[f"resample_{factor}"] = layer("Resample", inputs, param), inputs, {}
    return cases


def main() -> None:
    cases = interp() | relu6() | channels() | depthwise() | small_net() | flownet()
    arrays: dict[str, Any] = {}
    for name, case in cases.items():
        out = run(case)
        prototxt, inputs, weights = case
        arrays[f"{name}/net"] = np.array(" ".join(prototxt.split()))
        arrays |= {f"{name}/in/{key}": array for key, array in inputs.items()}
        for blobs_of, blobs in weights.items():
            arrays |= {f"{name}/blob/{blobs_of}/{i}": array for i, array in enumerate(blobs)}
        arrays[f"{name}/out"] = out
        print(name, out.shape)
    np.savez_compressed(TARGET, **arrays)
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
