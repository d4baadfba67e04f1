"""What goes wrong is one line, and an error that `except cv2.error` catches."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import caffe_lite.dnn as dnn
from caffe_lite.dnn.errors import make_error
from caffe_lite.errors import CaffeError

INPUT = 'input: "data" input_shape { dim: 1 dim: 3 dim: 6 dim: 7 }'
POOL = (
    'layer { name: "p" type: "Pooling" bottom: "data" top: "pooled" '
    "pooling_param { kernel_size: 2 } }"
)
CONVOLUTION = (
    'layer { name: "c" type: "Convolution" bottom: "data" top: "c" '
    "convolution_param { num_output: 2 kernel_size: 3 } }"
)
TRAINING = (
    'layer { name: "d" type: "Data" top: "data" include { phase: TRAIN } } '
    'layer { name: "r" type: "ReLU" bottom: "data" top: "r" %s }'
)
IMAGE = np.zeros((1, 3, 6, 7), np.float32)


def net(*layers: str) -> dnn.Net:
    return dnn.readNetFromCaffe(" ".join([INPUT, *layers]).encode())


def run(the_net: dnn.Net, blob: np.ndarray, name: str | None = None) -> None:
    the_net.setInput(blob)
    the_net.forward(name)


def test_an_error_is_also_a_caffe_error() -> None:
    assert issubclass(dnn.error, CaffeError)
    with pytest.raises(dnn.error) as found:
        dnn.readNetFromCaffe("missing.prototxt")
    assert found.value.msg == found.value.err == str(found.value)
    assert found.value.code < 0


def test_with_cv2_imported_an_error_is_a_cv2_error(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("cv2")
    fake.error = type("error", (Exception,), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cv2", fake)
    with pytest.raises(fake.error, match=r"missing\.prototxt: no such file"):
        dnn.readNetFromCaffe("missing.prototxt")
    assert type(make_error("a")) is type(make_error("b"))
    assert isinstance(make_error("a"), dnn.error)


@pytest.mark.parametrize(
    ("layers", "blob", "name", "message"),
    [
        ([POOL], IMAGE, "q", 'the net has no layer "q"'),
        ([POOL], IMAGE, "pooled", 'it is a blob, ask for the layer that makes it, "p"'),
        (
            [POOL],
            IMAGE[0],
            None,
            r"layer \"p\" \(Pooling\): needs a bottom of 4 axes .* \(3, 6, 7\)",
        ),
        ([CONVOLUTION], IMAGE, None, r'layer "c" \(Convolution\): has 0 of its 2 learned blobs'),
        (['layer { name: "x" type: "Foo" bottom: "data" top: "x" }'], IMAGE, None, '"Foo"'),
        ([POOL], IMAGE > 0, None, "takes an array of numbers, got one of bool"),
        ([POOL], IMAGE[:0], None, r"an array with elements, got shape \(0, 3, 6, 7\)"),
    ],
)
def test_a_wrong_call_names_the_place(
    layers: list[str], blob: np.ndarray, name: str | None, message: str
) -> None:
    with pytest.raises(dnn.error, match=message) as found:
        run(net(*layers), blob, name)
    assert "\n" not in str(found.value)


def test_inputs_must_be_set_and_known() -> None:
    two = dnn.readNetFromCaffe(
        b'input: "a" input: "b" '
        b'layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum" }'
    )
    two.setInput(IMAGE, "a")
    with pytest.raises(dnn.error, match='input "b" is not set'):
        two.forward()
    with pytest.raises(dnn.error, match='no input "c"; its inputs are a, b'):
        two.setInput(IMAGE, "c")
    two.setInput(IMAGE[:, :2], "b")
    with pytest.raises(dnn.error, match='layer "sum"'):
        two.forward()
    two.setInput(IMAGE, "b")
    assert two.forward().shape == IMAGE.shape


def test_a_mean_is_that_of_up_to_four_channels() -> None:
    with pytest.raises(dnn.error, match="up to 4 channels"):
        net(POOL).setInput(np.zeros((1, 5, 6, 7), np.float32), mean=(1,))


@pytest.mark.parametrize("rules", ["", "include { phase: TRAIN }"])
def test_a_net_for_training_only_is_refused(rules: str) -> None:
    with pytest.raises(dnn.error, match="phase TRAIN only"):
        dnn.readNetFromCaffe((TRAINING % rules).encode())


def test_two_layers_that_make_one_blob_are_refused() -> None:
    with pytest.raises(dnn.error, match='blob "pooled" is a top of layer "p" and of layer "p_1"'):
        net(POOL, POOL)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(f"{INPUT} {POOL}")
    definition = str(tmp_path / "net.prototxt")
    with pytest.raises(dnn.error, match=r"net\.caffemodel: no such file"):
        dnn.readNetFromCaffe(definition, str(tmp_path / "net.caffemodel"))
    with pytest.raises(dnn.error, match="weights are a binary .caffemodel"):
        dnn.readNetFromCaffe(definition, definition)
    with pytest.raises(dnn.error, match="not a Caffe net by its suffix"):
        dnn.readNet("model.onnx")
    with pytest.raises(dnn.error, match='framework must be "caffe"'):
        dnn.readNet(definition, "", "tensorflow")
    with pytest.raises(dnn.error, match="the weights in memory: not a caffemodel"):
        dnn.readNetFromCaffe(definition, b"\x0a\x03abc")
    with pytest.raises(dnn.error, match="it is empty"):
        dnn.readNetFromCaffe(b"")


def test_the_empty_net() -> None:
    empty = dnn.Net()
    assert empty.empty() and empty.getLayerNames() == ()
    with pytest.raises(dnn.error, match="the net is empty"):
        empty.forward()
    with pytest.raises(dnn.error, match="the net is empty"):
        empty.setInput(IMAGE)


def test_layers_and_parameters_that_are_not_there() -> None:
    pool = net(POOL)
    for layer in ("q", 2, -1, 1.0):
        with pytest.raises(dnn.error, match="the net has no layer"):
            pool.getLayer(layer)  # type: ignore[arg-type]
    with pytest.raises(dnn.error, match=r'"p" \(Pooling\) has 0 learned blobs'):
        pool.getParam("p")
    with pytest.raises(dnn.error, match="quantize"):
        pool.quantize([IMAGE], 0, 0)
    with pytest.raises(dnn.error, match="1 inputs, got 2 shapes"):
        pool.getLayersShapes([(1, 3, 6, 7), (1, 3, 6, 7)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": None}, "an image must be an array of numbers, got NoneType"),
        (
            {"image": np.zeros((4, 5, 2))},
            r"of 1, 3 or 4 channels or \(H, W\), got shape \(4, 5, 2\)",
        ),
        ({"size": (0, 3)}, "both positive, got"),
        ({"size": (3.0, 3)}, "two whole numbers"),
        ({"mean": (1, 2, 3, 4, 5)}, "up to four numbers"),
        ({"ddepth": 6}, r"ddepth must be CV_32F \(5\) or CV_8U \(0\), got 6"),
        ({"ddepth": 0, "scalefactor": 2.0}, "takes no mean and no scalefactor"),
    ],
)
def test_images_that_make_no_blob(arguments: dict, message: str) -> None:
    with pytest.raises(dnn.error, match=message):
        dnn.blobFromImage(**{"image": np.zeros((4, 5, 3), np.uint8), **arguments})


def test_boxes_and_scores_must_match() -> None:
    with pytest.raises(dnn.error, match="got 1 boxes and 2 scores"):
        dnn.NMSBoxes([(1, 2, 3, 4)], [0.5, 0.6], 0.1, 0.1)
    with pytest.raises(dnn.error, match=r"boxes must be \(x, y, width, height\)"):
        dnn.NMSBoxes([(1, 2, 3)], [0.5], 0.1, 0.1)
    with pytest.raises(dnn.error, match="thresholds must be at least 0"):
        dnn.NMSBoxes([(1, 2, 3, 4)], [0.5], -0.1, 0.1)
    with pytest.raises(dnn.error, match="method must be"):
        dnn.softNMSBoxes([(1, 2, 3, 4)], [0.5], 0.1, 0.1, method=3)
