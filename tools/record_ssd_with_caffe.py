"""Record what SSD's own Caffe computes, forward and backward: tests/reference/forks/ssd_caffe.npz.

    python tools/record_ssd_with_caffe.py RUNNER

RUNNER is `tools/run_caffe_layer.cpp`, built with the sources of weiliu89/caffe (branch ssd) outside
this repository; its first lines say how. A case is one layer with random bottoms, learned blobs and
gradients of its tops. `tests/forks/ssd/test_caffe.py` replays the cases.
"""

import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# What the tests run on; imported by name, as tests have no types
given = import_module("tests.forks.ssd.multibox_by_loop").given
test_detection_evaluate = import_module("tests.forks.ssd.test_detection_evaluate")
test_detection_output = import_module("tests.forks.ssd.test_detection_output")
test_multibox_loss = import_module("tests.forks.ssd.test_multibox_loss")

TARGET = ROOT / "tests/reference/forks/ssd_caffe.npz"
RNG = np.random.default_rng(2016)


class Case(NamedTuple):
    """A layer: its definition for Caffe, bottoms, learned blobs and propagate_down (or none)."""

    text: str
    bottoms: list[np.ndarray]
    blobs: list[np.ndarray]
    flags: list[bool]


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def plain_layers() -> dict[str, Case]:
    x = normal(2, 3, 4, 5)
    cases = {
        f"permute_{i}": Case(f'type: "Permute" permute_param {{ {order} }}', [x], [], [True])
        for i, order in enumerate(
            ("order: 0 order: 2 order: 3 order: 1", "order: 3 order: 1", "order: 1 order: 0")
        )
    }
    for across in ("true", "false"):
        for shared in ("true", "false"):
            # SSD's gradient is right for scales that are equal only
            scale = np.full(() if shared == "true" else (3,), 7, np.float32)
            text = f"across_spatial: {across} channel_shared: {shared} eps: 0.01"
            cases[f"normalize_{across}_{shared}"] = Case(
                f'type: "Normalize" norm_param {{ {text} }}', [x], [scale], [True]
            )
    features, image = normal(2, 7, 3, 4), normal(2, 3, 50, 90)
    for i, param in enumerate(
        (
            "min_size: 10",
            "min_size: 10.9 max_size: 23.7 aspect_ratio: 2 aspect_ratio: 3",
            "min_size: 10 min_size: 20 max_size: 23 max_size: 30 aspect_ratio: 2 clip: true",
            "min_size: 10 aspect_ratio: 2 aspect_ratio: 0.5 aspect_ratio: 1 flip: false",
            "min_size: 10 step: 16 offset: 0.25 variance: 0.3",
            "min_size: 10 step_h: 16 step_w: 20 img_size: 60",
            "min_size: 10 img_h: 60 img_w: 80 variance: 0.1 variance: 0.2 variance: 0.3 "
            "variance: 0.4",
        )
    ):
        text = f'type: "PriorBox" prior_box_param {{ {param} }}'
        cases[f"prior_box_{i}"] = Case(text, [features, image], [], [])
    return cases


def detections() -> dict[str, Case]:
    module = test_detection_output
    variants: list[dict[str, Any]] = [
        {},
        {"keep_top_k": 7},
        {"confidence_threshold": 0.6, "background_label_id": 2},
        {"variance_encoded_in_target": "true"},
        {"nms_param": "nms_threshold: 0.2 top_k: 15"},
        {"nms_param": "nms_threshold: 0.8 eta: 0.9"},
        {"confidence_threshold": 2},
    ]
    cases = {}
    for code in module.CODES:
        for share in (True, False):
            for i, fields in enumerate(variants):
                images = 2 if i == 0 else 1
                bottoms = [each.astype(np.float32) for each in module.given(i, share, images)]
                text = module.layer(code_type=code, share_location=str(share).lower(), **fields)
                cases[f"detection_{code}_{share}_{i}"] = Case(text, bottoms, [], [])
    for i, param in enumerate(("", "overlap_threshold: 0.75", "evaluate_difficult_gt: false")):
        found, truth = (each.astype(np.float32) for each in test_detection_evaluate.given(i))
        bottoms = [found, truth[:, :, 1:]]  # SSD stops at the first row without a box
        text = test_detection_evaluate.LAYER.format(param)
        cases[f"evaluate_{i}"] = Case(text, bottoms, [], [])
    return cases


def losses() -> dict[str, Case]:
    classes = test_multibox_loss.CLASSES
    cases = {}
    variants: list[tuple[str, Any]] = test_multibox_loss.VARIANTS
    for i, (text, options) in enumerate(variants):
        alone = "LOGISTIC mining_type: NONE" in text  # where SSD is wrong for several images
        bottoms = [
            each.astype(np.float32) for each in given(classes, options.get("shared", True), seed=i)
        ]
        if alone:
            truth = bottoms[3][:, :, bottoms[3][0, 0, :, 0] <= 0]
            bottoms = [bottoms[0][:1], bottoms[1][:1], bottoms[2], truth]
        text = text.replace("nms_threshold", "top_k: 1000 nms_threshold")
        # SSD's gradient of the location lacks the variances with encode_variance_in_target
        flags = [not options.get("in_target", False), True, False, False]
        layer = test_multibox_loss.LAYER.format(classes, text, "")
        cases[f"multibox_{i}"] = Case(layer, bottoms, [], flags)
        if i < 4:
            for mode in ("FULL", "BATCH_SIZE", "NONE"):
                loss = f"loss_param {{ normalization: {mode} }}"
                layer = test_multibox_loss.LAYER.format(classes, text, loss)
                cases[f"multibox_{i}_{mode}"] = Case(layer, bottoms, [], flags)
    return cases


def packed(array: np.ndarray) -> bytes:
    return np.array([array.ndim, *array.shape], np.int32).tobytes() + array.tobytes()


def run(runner: str, case: Case, folder: Path) -> dict[str, np.ndarray]:
    """The top, the gradients asked for, and that of the tops they belong to."""
    (folder / "layer").write_text(f'name: "layer" {case.text}')
    dtop: Any = np.float32(0.7)
    if case.flags and "MultiBox" not in case.text:
        dtop = normal(*run(runner, case._replace(flags=[]), folder)["top"].shape)
    numbers = [len(case.bottoms), 1, len(case.blobs), bool(case.flags)]
    data = np.array(numbers, np.int32).tobytes()
    data += b"".join(map(packed, [*case.bottoms, *case.blobs]))
    if case.flags:
        data += packed(np.asarray(dtop)) + np.array(case.flags, np.int32).tobytes()
    (folder / "in").write_bytes(data)
    subprocess.run([runner, "layer", "in", "out"], cwd=folder, check=True)
    names = ["top"]
    if case.flags:
        names += [f"bottom_diff/{i}" for i, flag in enumerate(case.flags) if flag]
        names += [f"blob_diff/{i}" for i in range(len(case.blobs))]
    found = dict(zip(names, unpacked((folder / "out").read_bytes()), strict=True))
    return found | ({"top_diff": np.asarray(dtop)} if case.flags else {})


def unpacked(data: bytes) -> list[np.ndarray]:
    arrays, position = [], 0
    while position < len(data):
        axes = int(np.frombuffer(data, np.int32, 1, position)[0])
        shape = np.frombuffer(data, np.int32, axes, position + 4)
        position += 4 * (1 + axes)
        count = int(shape.prod())
        arrays.append(np.frombuffer(data, np.float32, count, position).reshape(shape))
        position += 4 * count
    return arrays


def main() -> None:
    runner = str(Path(sys.argv[1]).resolve())
    cases = plain_layers() | detections() | losses()
    arrays: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, case in cases.items():
            arrays[f"{name}/layer"] = np.array(case.text)
            arrays[f"{name}/flags"] = np.array(case.flags, bool)
            arrays |= {f"{name}/bottom/{i}": array for i, array in enumerate(case.bottoms)}
            arrays |= {f"{name}/blob/{i}": array for i, array in enumerate(case.blobs)}
            found = run(runner, case, Path(folder))
            arrays |= {f"{name}/{key}": array for key, array in found.items()}
            print(name, found["top"].shape)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(TARGET, **arrays)
    print(f"{TARGET.name}: {len(cases)} cases, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
