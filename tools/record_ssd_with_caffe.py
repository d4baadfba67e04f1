"""Record what SSD's own Caffe computes, forward and backward: tests/reference/forks/ssd_caffe.npz.

    python -m tools.record_ssd_with_caffe RUNNER

RUNNER is `tools/run_caffe_layer.cpp`, linked with the layers of weiliu89/caffe (branch ssd) outside
this repository. A case is one layer with random bottoms, learned blobs and gradients of its tops.
`tests/forks/ssd/test_caffe.py` replays the cases.
"""

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tools.caffe_layer import Case, run

ROOT = Path(__file__).resolve().parent.parent

# What the tests run on; imported by name, as tests have no types
given = import_module("tests.forks.ssd.multibox_by_loop").given
test_detection_evaluate = import_module("tests.forks.ssd.test_detection_evaluate")
test_detection_output = import_module("tests.forks.ssd.test_detection_output")
test_multibox_loss = import_module("tests.forks.ssd.test_multibox_loss")

TARGET = ROOT / "tests/reference/forks/ssd_caffe.npz"
RNG = np.random.default_rng(2016)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def plain_layers() -> dict[str, Case]:
    x = normal(2, 3, 4, 5)
    cases = {
        f"permute_{i}": Case(f'type: "Permute" permute_param {{ {order} }}', [x], [True])
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
                f'type: "Normalize" norm_param {{ {text} }}', [x], [True], [scale]
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
        cases[f"prior_box_{i}"] = Case(text, [features, image])
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
                cases[f"detection_{code}_{share}_{i}"] = Case(text, bottoms)
    for i, param in enumerate(("", "overlap_threshold: 0.75", "evaluate_difficult_gt: false")):
        found, truth = (each.astype(np.float32) for each in test_detection_evaluate.given(i))
        bottoms = [found, truth[:, :, 1:]]  # SSD stops at the first row without a box
        text = test_detection_evaluate.LAYER.format(param)
        cases[f"evaluate_{i}"] = Case(text, bottoms)
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
        cases[f"multibox_{i}"] = Case(layer, bottoms, flags)
        if i < 4:
            for mode in ("FULL", "BATCH_SIZE", "NONE"):
                loss = f"loss_param {{ normalization: {mode} }}"
                layer = test_multibox_loss.LAYER.format(classes, text, loss)
                cases[f"multibox_{i}_{mode}"] = Case(layer, bottoms, flags)
    return cases


def record(runner: str, case: Case, folder: Path) -> dict[str, np.ndarray]:
    """The top, the gradients asked for, and that of the top they belong to."""
    top_diffs: list[np.ndarray] = []
    if case.flags and "MultiBox" in case.text:
        top_diffs = [np.array(0.7, np.float32)]
    elif case.flags:
        top_diffs = [normal(*run(runner, case, [], folder)["top/0"].shape)]
    found = run(runner, case, top_diffs, folder)
    kept = {key: array for key, array in found.items() if "diff" in key}
    return kept | {"top": found["top/0"]} | ({"top_diff": top_diffs[0]} if top_diffs else {})


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
            found = record(runner, case, Path(folder))
            arrays |= {f"{name}/{key}": array for key, array in found.items()}
            print(name, found["top"].shape)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(TARGET, **arrays)
    print(f"{TARGET.name}: {len(cases)} cases, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
