"""`caffe_lite export --to onnx`: files that are proven, and what is refused in one line."""

import os

import numpy as np
import onnx
import pytest

from caffe_lite.cli import main
from caffe_lite.nets.net import Net
from caffe_lite.proto import load, schema
from caffe_lite.weights import write_caffemodel
from tests.export.layer_nets import random_weights

NET = """
name: "faces"
layer { name: "images" type: "Data" top: "data" top: "label"
        data_param { source: "train_lmdb" batch_size: 2 } transform_param { crop_size: 9 } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
        pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool1" top: "fc"
        inner_product_param { num_output: 5 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""
SHAPE = "data=2,3,9,9"

OVER_TIME = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 2 dim: 3 } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 4 dim: 2 } } }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
        recurrent_param { num_output: 5 } }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text, name="net.prototxt", weights="net.caffemodel"):
    """Write a net, and weights for its layers."""
    with open(name, "w") as file:
        file.write(text)
    definition = load.load_net(name)
    kept = [layer for layer in definition.layer if layer.type not in ("Data", "SoftmaxWithLoss")]
    if len(kept) < len(definition.layer):
        source = schema.LayerParameter(name="images", type="Input", top=["data"])
        source.input_param.shape.add(dim=[2, 3, 9, 9])
        kept.insert(0, source)
    net = Net(schema.NetParameter(layer=kept), 1, seed=0)
    random_weights(net)
    write_caffemodel(net, weights)


def export(capsys, *words):
    """Exit code, and what was printed and reported."""
    code = main(["export", "net.prototxt", "--to", "onnx", *words])
    return code, *capsys.readouterr()


def metadata(path="net.onnx"):
    return {each.key: each.value for each in onnx.load(path).metadata_props}


def test_a_net_is_exported_and_proven(capsys):
    write(NET)
    code, out, _ = export(capsys, "--weights", "net.caffemodel", "--shape", SHAPE)
    assert code == 0
    assert "net.onnx: written\nleft out: loss\n" in out
    assert "conv1" in out and "inputs: data 3x3x9x9" in out
    assert "3 blobs compared, all within 0.0001" in out
    model = onnx.load("net.onnx")
    assert [node.name for node in model.graph.node] == [
        "conv1",
        "relu1",
        "pool1",
        "fc/Flatten",
        "fc",
    ]
    (given,) = model.graph.input
    sizes = [d.dim_param or d.dim_value for d in given.type.tensor_type.shape.dim]
    assert (given.name, sizes) == ("data", ["N", 3, 9, 9])
    assert [output.name for output in model.graph.output] == ["fc"]
    assert {weight.name for weight in model.graph.initializer} >= {"conv1.0", "conv1.1", "fc.0"}
    assert metadata() == {"checked": "yes"}


def test_no_check_is_said_in_the_file(capsys):
    write(NET)
    words = ("--weights", "net.caffemodel", "--shape", SHAPE, "--no-check", "--out", "other.onnx")
    code, out, _ = export(capsys, *words)
    assert code == 0 and "not checked" in out
    assert metadata("other.onnx") == {"checked": "no"}


def test_a_difference_beyond_the_tolerance_is_exit_code_1(capsys):
    write(NET)
    words = ("--weights", "net.caffemodel", "--shape", SHAPE, "--tolerance", "1e-12")
    code, out, _ = export(capsys, *words)
    assert code == 1
    assert 'the first that differs is "' in out


@pytest.mark.parametrize("mean", ["104,117,123", "image.npy"])
def test_preprocessing_becomes_part_of_the_model(capsys, mean):
    write(NET)
    np.save("image.npy", np.random.default_rng(0).uniform(90, 130, (3, 12, 11)))
    words = ("--shape", SHAPE, "--mean", mean, "--scale", "0.017", "--bgr")
    code, out, _ = export(capsys, "--weights", "net.caffemodel", *words)
    assert code == 0, out
    nodes = [node.op_type for node in onnx.load("net.onnx").graph.node]
    assert nodes[:3] == ["Gather", "Sub", "Mul"]


def test_sequences_that_begin_at_the_first_step_take_the_plain_lstm(capsys):
    write(OVER_TIME)
    code, out, _ = export(capsys, "--weights", "net.caffemodel", "--one-sequence")
    assert code == 0, out
    assert "LSTM" in [node.op_type for node in onnx.load("net.onnx").graph.node]
    code, out, _ = export(capsys, "--weights", "net.caffemodel")
    assert code == 0 and "a second pass" in out
    graph = onnx.load("net.onnx").graph
    assert "Scan" in [node.op_type for node in graph.node]
    assert [each.name for each in graph.input] == ["x", "cont", "lstm.h", "lstm.c"]
    assert [each.name for each in graph.output] == ["h", "lstm.h_next", "lstm.c_next"]


@pytest.mark.parametrize("opset", range(17, 23))
def test_operator_sets(capsys, opset):
    write(NET)
    words = ("--weights", "net.caffemodel", "--shape", SHAPE, "--opset", str(opset))
    code, out, _ = export(capsys, *words)
    assert code == 0, out
    assert onnx.load("net.onnx").opset_import[0].version == opset


WEIGHTS = ("--weights", "net.caffemodel")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((*WEIGHTS, "--to", "onx"), 2, 'unknown format "onx"; did you mean "onnx"?'),
        (("--shape", SHAPE), 2, "--weights is missing: conv1, fc have learned blobs"),
        (("--weights", "no.caffemodel", "--shape", SHAPE), 1, "no.caffemodel: no such file"),
        ((*WEIGHTS, "--shape", "data=2,3,9"), 1, 'layer "pool1" (Pooling): needs a bottom of 4'),
        ((*WEIGHTS, "--shape", "data=2,3,20,20"), 1, "blob 0 is 5 x 36 there and 5 x 324 here"),
        ((*WEIGHTS, "--shape", "dat=2,3,9,9"), 2, 'no input of that name; did you mean "data"?'),
        ((*WEIGHTS, "--shape", SHAPE, "--out", "no/net.onnx"), 1, "no/net.onnx: cannot be written"),
        ((*WEIGHTS, "--shape", SHAPE, "--out", "/dev/full"), 1, "No space left on device"),
        ((*WEIGHTS, "--shape", SHAPE, "--out", "net.prototxt"), 2, "would overwrite the net"),
        ((*WEIGHTS, "--shape", SHAPE, "--opset", "9"), 2, "--opset must be 17 to 22, got 9"),
        ((*WEIGHTS, "--shape", SHAPE, "--mean", "1,2"), 1, "does not fit the images"),
        ((*WEIGHTS, "--shape", SHAPE, "--mean", "no.npy"), 2, "a file that exists"),
        ((*WEIGHTS, "--shape", SHAPE, "--check-backward"), 2, "not for the format onnx"),
        ((*WEIGHTS, "--shape", SHAPE, "--no-check", "--tolerance", "1"), 2, "--no-check excludes"),
    ],
)
def test_bad_input_is_one_line(capsys, words, code, message):
    write(NET)
    found, _, err = export(capsys, *words)
    assert (found, err.count("\n")) == (code, 1)
    assert message in err
    assert not os.path.exists("net.onnx")


def test_a_net_for_training_only(capsys, folder):
    write(NET)
    training = NET.replace('type: "', 'include { phase: TRAIN } type: "')
    (folder / "net.prototxt").write_text(training)
    code, _, err = export(capsys, *WEIGHTS, "--shape", SHAPE)
    assert code == 1 and "no layer in the phase TEST; --phase TRAIN takes" in err
    code, out, err = export(capsys, *WEIGHTS, "--shape", SHAPE, "--phase", "TRAIN")
    assert code == 0, out + err


def test_an_input_without_a_shape(capsys, folder):
    write(NET)
    (folder / "net.prototxt").write_text(NET.replace("crop_size: 9", ""))
    code, _, err = export(capsys, *WEIGHTS)
    assert code == 1 and "does not follow from its definition; give it with --shape data=N" in err


def test_weights_that_are_missing_in_the_file(capsys):
    write(NET)
    with open("net.prototxt", "a") as file:
        file.write(
            'layer { name: "fc2" type: "InnerProduct" bottom: "fc" top: "fc2" '
            "inner_product_param { num_output: 2 } }"
        )
    code, _, err = export(capsys, *WEIGHTS, "--shape", SHAPE)
    assert code == 1 and "net.caffemodel: has no weights for fc2" in err


def test_a_layer_that_has_no_translation_leaves_no_file(capsys, folder):
    (folder / "mine.py").write_text(
        "import caffe_lite.pycaffe as caffe\n"
        "class Same(caffe.Layer):\n"
        "    def reshape(self, bottom, top):\n        top[0].reshape(*bottom[0].data.shape)\n"
    )
    python = (
        'layer { name: "mine" type: "Python" bottom: "fc" top: "y" python_param {'
        ' module: "mine" layer: "Same" } }'
    )
    write(NET)
    with open("net.prototxt", "a") as file:
        file.write(python)
    code, _, err = export(capsys, *WEIGHTS, "--shape", SHAPE)
    assert code == 1
    assert 'layer "mine" (Python): has no exact translation to ONNX: it runs Python code' in err
    assert not os.path.exists("net.onnx")


def test_missing_packages_name_the_extra(capsys, monkeypatch):
    write(NET)
    monkeypatch.setattr("caffe_lite.export.formats.find_spec", lambda name: None)
    code, _, err = export(capsys, *WEIGHTS, "--shape", SHAPE)
    assert code == 1 and "needs the package onnx: pip install caffe_lite[onnx]" in err
