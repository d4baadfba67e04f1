"""What OpenCV 4.14 said and computed, recorded by tools/record_dnn_with_opencv.py."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import caffe_lite.dnn as dnn
from tools.dnn_answers import blob_of, facts, model_answers, values

RECORDED = np.load(Path(__file__).with_name("opencv.npz"))
TOLERANCE = 1e-5


def below(prefix: str) -> dict[str, np.ndarray]:
    return {
        key.removeprefix(prefix): RECORDED[key] for key in RECORDED.files if key.startswith(prefix)
    }


def numbers(kind: str) -> list[str]:
    found = {key.split("/")[1] for key in RECORDED.files if key.startswith(f"{kind}/")}
    return sorted(found, key=int)


def call(prefix: str) -> Any:
    return json.loads(str(RECORDED[f"{prefix}/call"]))


def check(mine: Any, theirs: np.ndarray, tolerance: float = TOLERANCE) -> None:
    mine = np.asarray(mine)
    assert mine.shape == theirs.shape
    if theirs.size:
        assert mine.dtype == theirs.dtype
        scale = max(1.0, float(np.abs(theirs).max()))
        assert np.abs(mine.astype(float) - theirs).max() <= tolerance * scale


def recorded_net(number: str) -> dnn.Net:
    text = str(RECORDED[f"net/{number}/text"]).encode()
    return dnn.readNetFromCaffe(text, RECORDED[f"net/{number}/weights"])


@pytest.mark.parametrize("number", numbers("net"))
def test_a_net_describes_itself_as_in_opencv(number: str) -> None:
    inputs = below(f"net/{number}/in/")
    said = facts(recorded_net(number), [array.shape for array in inputs.values()])
    assert said == json.loads(str(RECORDED[f"net/{number}/facts"]))


@pytest.mark.parametrize("number", numbers("net"))
def test_every_layer_has_the_output_that_it_has_in_opencv(number: str) -> None:
    found = values(recorded_net(number), below(f"net/{number}/in/"))
    for key, theirs in below(f"net/{number}/out/").items():
        check(found[key], theirs, 1e-4)
        if key.startswith("all "):
            check(found[f"one {key[4:]}"], theirs, 1e-4)


@pytest.mark.parametrize("number", numbers("input"))
def test_set_input_takes_arrays_scales_and_means(number: str) -> None:
    net = dnn.readNetFromCaffe(
        b'input: "data" layer { name: "y" type: "Power" bottom: "data" top: "y" }'
    )
    net.setInput(RECORDED[f"input/{number}/in"], **call(f"input/{number}"))
    check(net.forward(), RECORDED[f"input/{number}/out"])


@pytest.mark.parametrize("number", numbers("image"))
def test_blobs_of_images_are_those_of_opencv(number: str) -> None:
    function, arguments = call(f"image/{number}")
    image = RECORDED[f"image/{number}/in"]
    mine, theirs = blob_of(dnn, function, image, arguments), RECORDED[f"image/{number}/out"]
    check(mine, theirs)
    plain = image.dtype == np.uint8 and np.all(np.asarray(arguments["scalefactor"]) == 1)
    if plain and not arguments["mean"]:
        assert np.array_equal(mine, theirs)  # to the bit


@pytest.mark.parametrize("number", numbers("boxes"))
def test_the_same_boxes_are_kept(number: str) -> None:
    function, arguments = call(f"boxes/{number}")
    found = getattr(dnn, function)(*arguments)
    found = found if function == "softNMSBoxes" else (found,)
    for i, theirs in enumerate(below(f"boxes/{number}/out/").values()):
        check(found[i], theirs)


def test_models_give_the_answers_of_opencv(tmp_path: Path) -> None:
    files = []
    for name in ("detector.prototxt", "detector.caffemodel", "pooling.prototxt"):
        key = "weights" if name.endswith("caffemodel") else name.partition(".")[0]
        value = RECORDED[f"models/{key}"]
        data = value.tobytes() if key == "weights" else str(value).encode()
        (tmp_path / name).write_bytes(data)
        files.append(str(tmp_path / name))
    answers = model_answers(dnn, files, RECORDED["models/image"])
    for name, found in answers.items():
        for i, answer in enumerate(found):
            check(answer, RECORDED[f"models/{name}/{i}"])
