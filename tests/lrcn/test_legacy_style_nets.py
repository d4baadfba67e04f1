"""Nets in the style of LRCN's own prototxts, trained by their solvers from files on disk."""

import json
import re

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.cli import main
from caffe_lite.data.images import write_image
from caffe_lite.lrcn.prepare.captions import write_split
from caffe_lite.lrcn.prepare.coco import make_vocabulary, read_captions
from caffe_lite.nets.net import Net
from caffe_lite.proto import load, schema, text
from caffe_lite.solvers import get_solver
from caffe_lite.weights import write_caffemodel
from tests.lrcn.clip_folders import write_clip_folders

DATA = """
layer {{ name: "data" type: "ImageData" top: "data" top: "label" include {{ {rule} }}
  transform_param {{ mirror: true crop_size: 9 mean_value: 104 mean_value: 117 mean_value: 123 }}
  image_data_param {{ batch_size: 4 new_height: 12 new_width: 12
    source: "./h5/{split}_aligned_6_batches/image_list.with_dummy_labels.txt" }} }}
layer {{ name: "data" type: "HDF5Data" top: "cont_sentence" top: "input_sentence"
  top: "target_sentence" include {{ {rule} }}
  hdf5_data_param {{ source: "./h5/{split}_aligned_6_batches/hdf5_chunk_list.txt"
                     batch_size: 6 }} }}"""
LSTM = """
layer {{ name: "{name}" type: "LSTM" bottom: "{below}" bottom: "cont_sentence" {static}
  top: "{name}" include {{ {rule} }} recurrent_param {{ num_output: 8
    weight_filler {{ type: "uniform" min: -0.08 max: 0.08 }}
    bias_filler {{ type: "constant" }} }} }}"""
PREDICT = """
layer {{ name: "predict" type: "InnerProduct" bottom: "{below}" top: "predict" {rule}
  param {{ lr_mult: 1 decay_mult: 1 }} param {{ lr_mult: 2 decay_mult: 0 }}
  inner_product_param {{ num_output: {words} axis: 2
    weight_filler {{ type: "uniform" min: -0.08 max: 0.08 }} }} }}"""
CONV = """
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  include { stage: "freeze-convnet" }
  param { lr_mult: 0 } param { lr_mult: 0 } convolution_param { num_output: 5 kernel_size: 3 } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  exclude { stage: "freeze-convnet" }
  param { lr_mult: 0.1 decay_mult: 1 } param { lr_mult: 0.2 decay_mult: 0 }
  convolution_param { num_output: 5 kernel_size: 3 weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "fc8" type: "InnerProduct" bottom: "conv1" top: "fc8"
  inner_product_param { num_output: 7 weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "silence" type: "Silence" bottom: "label" }"""
EMBED = """
layer {{ name: "embedding" type: "Embed" bottom: "input_sentence" top: "embedded"
  param {{ lr_mult: 1 }} embed_param {{ bias_term: false input_dim: {words} num_output: 6
    weight_filler {{ type: "uniform" min: -0.08 max: 0.08 }} }} }}"""
LOSS = """
layer { name: "cross_entropy_loss" type: "SoftmaxWithLoss" bottom: "predict"
  bottom: "target_sentence"
  top: "cross_entropy_loss" loss_weight: 20 loss_param { ignore_label: -1 }
  softmax_param { axis: 2 } }
layer { name: "accuracy" type: "Accuracy" bottom: "predict" bottom: "target_sentence"
  top: "accuracy" include { phase: TEST } accuracy_param { axis: 2 ignore_label: -1 } }"""
SOLVER = """net: "./captioner.prototxt" {train}
test_iter: 2 test_state: {{ {stages} stage: "test-on-train" }}
test_iter: 3 test_state: {{ {stages} stage: "test-on-val" }}
test_interval: 5 base_lr: 0.05 lr_policy: "step" gamma: 0.5 stepsize: 20 display: 1
max_iter: {iters}
momentum: 0.9 weight_decay: 0.0 snapshot_prefix: "./out" random_seed: 1701 average_loss: 100
clip_gradients: 10"""
WORDS = 10  # <EOS>, <unk>, four colours, a, one, it, is
VARIANTS = [("factored", "2-layer"), ("unfactored", "1-layer"), ("unfactored", "2-layer")]


def captioner(words):
    static = 'bottom: "fc8"'
    train, test = "phase: TRAIN", 'phase: TEST stage: "test-on-{}"'
    return "".join(
        [
            'name: "captioner"',
            DATA.format(rule=f"{train} not_stage: 'trainval'", split="train"),
            DATA.format(rule=f"{train} stage: 'trainval'", split="val"),
            DATA.format(rule=test.format("train"), split="train"),
            DATA.format(rule=test.format("val"), split="val"),
            CONV,
            EMBED.format(words=words),
            LSTM.format(name="lstm1", below="embedded", static=static, rule='stage: "unfactored"'),
            LSTM.format(
                name="lstm2", below="lstm1", static="", rule='stage: "unfactored" stage: "2-layer"'
            ),
            LSTM.format(name="lstm1", below="embedded", static="", rule='stage: "factored"'),
            LSTM.format(name="lstm2", below="lstm1", static=static, rule='stage: "factored"'),
            PREDICT.format(below="lstm1", rule='exclude { stage: "2-layer" }', words=words),
            PREDICT.format(below="lstm2", rule='include { stage: "2-layer" }', words=words),
            LOSS,
        ]
    )


@pytest.fixture
def captions(tmp_path, monkeypatch):
    """Captioned images in the folder that the test runs in, and the net that reads them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    rng = np.random.default_rng(2)
    content = {"images": [], "annotations": []}
    for i, color in enumerate(((0, 0, 255), (0, 255, 0), (255, 0, 0), (90, 90, 90))):
        image = np.full((20, 16, 3), color, np.uint8) // 2 + rng.integers(0, 20, (20, 16, 3))
        write_image(tmp_path / f"{i}.jpg", image.astype(np.uint8))
        content["images"].append({"id": i, "file_name": f"{i}.jpg"})
        name = ("red", "green", "blue", "grey")[i]
        content["annotations"] += [
            {"image_id": i, "caption": f"A {name} one."},
            {"image_id": i, "caption": f"It is {name}."},
        ]
    (tmp_path / "captions.json").write_text(json.dumps(content))
    images = read_captions("captions.json", "")
    vocabulary = make_vocabulary(images, 1)
    for split in ("train", "val"):
        write_split(tmp_path / "h5", split, images, vocabulary, buffer=4, steps=6)
    # The lists name files from the working directory, as LRCN's do.
    for path in tmp_path.rglob("*list*.txt"):
        path.write_text(path.read_text().replace(f"{tmp_path}/", "./"))
    (tmp_path / "captioner.prototxt").write_text(captioner(WORDS))
    return tmp_path


def write_solver(folder, stages, extra="", iters=10):
    named = " ".join(f'stage: "{stage}"' for stage in stages)
    train = f"train_state: {{ {named} {extra} }}"
    (folder / "solver.prototxt").write_text(SOLVER.format(train=train, stages=named, iters=iters))
    return str(folder / "solver.prototxt")


@pytest.mark.parametrize("stages", VARIANTS, ids="-".join)
@pytest.mark.parametrize("extra", ["", "stage: 'freeze-convnet'", "stage: 'trainval'"])
def test_every_variant_trains_and_tests(captions, stages, extra):
    solver = get_solver(load.load_solver(write_solver(captions, stages, extra)), get_ops())
    try:
        net = solver.net
        layers = 1 + (stages[1] == "2-layer")
        assert sum(layer.type == "LSTM" for layer in net.layers) == layers
        static = net.layers[net.layer_names.index("lstm2" if "factored" in stages else "lstm1")]
        assert len(static.blobs) == 4  # W_xc, b_c, W_xc_static, W_hc
        before = [blob.data.copy() for blob in net.params["conv1"]]
        assert len(solver.test_nets) == 2
        solver.test_all()
        solver.step(10)
        moved = any(
            (old != blob.data).any() for old, blob in zip(before, net.params["conv1"], strict=True)
        )
        assert moved == ("freeze" not in extra)
        assert float(net.loss()) < 20 * np.log(WORDS) * 0.95
    finally:
        solver.close()


def test_weights_of_a_convnet_and_of_a_language_model_begin_a_captioner(captions, capsys):
    with Net(
        text.parse(
            f"""layer {{ name: "x" type: "Input" top: "x" top: "label"
        input_param {{ shape {{ dim: 1 dim: 3 dim: 9 dim: 9 }} shape {{ dim: 1 }} }} }}
        {CONV.replace('"data"', '"x"')}
        layer {{ name: "old" type: "InnerProduct" bottom: "x" top: "old"
                 inner_product_param {{ num_output: 2 }} }}""",
            schema.NetParameter,
        ),
        schema.TEST,
        seed=5,
    ) as vision:
        write_caffemodel(vision, captions / "vision.caffemodel")
        kernel = vision.params["fc8"][0].data.copy()
    with Net(
        text.parse(
            f"""layer {{ name: "w" type: "Input" top: "input_sentence"
        top: "cont_sentence"
        input_param {{ shape {{ dim: 1 dim: 1 }} shape {{ dim: 1 dim: 1 }} }} }}
        {EMBED.format(words=WORDS)}
        {LSTM.format(name="lstm1", below="embedded", static="", rule="")}
        """,
            schema.NetParameter,
        ),
        schema.TEST,
        seed=6,
    ) as language:
        write_caffemodel(language, captions / "language.caffemodel")
    solver = write_solver(captions, VARIANTS[0], "stage: 'freeze-convnet'", iters=1)
    assert (
        main(
            [
                "train",
                "--solver",
                solver,
                "--gpu",
                "none",
                "--weights",
                "vision.caffemodel,language.caffemodel",
            ]
        )
        == 0
    )
    log = capsys.readouterr().err
    for told in (
        "vision.caffemodel",
        "language.caffemodel",
        "conv1",
        "fc8",
        "embedding",
        "lstm1",
        "old",
        "lstm2",
        "predict",
    ):
        assert told in log
    assert "Iteration 0, Testing net (#1)" in log and "Test net output #1" in log
    with Net("captioner.prototxt", schema.TRAIN, stages=("factored", "2-layer")) as net:
        net.copy_trained_layers_from("out_iter_1.caffemodel")
        assert np.abs(net.params["fc8"][0].data - kernel).max() < 0.02


ACTIVITY = """name: "lstm_joints"
layer { name: "data" type: "Python" top: "data" top: "label" top: "clip_markers"
  python_param { module: "sequence_input_layer" layer: "videoReadTrain_RGB"
    param_str: "{'buffer': 6, 'height': 24, 'width': 24, 'crop': 22, 'mirror': False}" }
  include: { phase: TRAIN } }
layer { name: "data" type: "Python" top: "data" top: "label" top: "clip_markers"
  python_param { module: "sequence_input_layer" layer: "videoReadTest_RGB"
    param_str: "{'height': 24, 'width': 24, 'crop': 22}" }
  include: { phase: TEST stage: "test-on-test" } }
layer { name: "scale" type: "Power" bottom: "data" top: "data" power_param { scale: 0.01 } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" convolution_param {
  num_output: 8 kernel_size: 7 stride: 3 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "fc6" type: "InnerProduct" bottom: "conv1" top: "fc6" inner_product_param {
  num_output: 24 weight_filler { type: "xavier" } } }
layer { name: "relu6" type: "ReLU" bottom: "fc6" top: "fc6" }
layer{ name: "reshape-data" type: "Reshape" bottom: "fc6" top: "fc6-reshape"
  reshape_param{ shape{ dim: 16 dim: 6 dim: 24 } } include: { phase: TRAIN } }
layer{ name: "reshape-data" type: "Reshape" bottom: "fc6" top: "fc6-reshape"
  reshape_param{ shape{ dim: 16 dim: 3 dim: 24 } } include: { phase: TEST stage: "test-on-test" } }
layer{ name: "reshape-label" type: "Reshape" bottom: "label" top: "reshape-label"
  reshape_param{ shape{ dim: 16 dim: 6 } } include: { phase: TRAIN } }
layer{ name: "reshape-label" type: "Reshape" bottom: "label" top: "reshape-label"
  reshape_param{ shape{ dim: 16 dim: 3 } } include: { phase: TEST stage: "test-on-test" } }
layer{ name: "reshape-cm" type: "Reshape" bottom: "clip_markers" top: "reshape-cm"
  reshape_param{ shape{ dim: 16 dim: -1 } } }
layer { name: "lstm1" type: "LSTM" bottom: "fc6-reshape" bottom: "reshape-cm" top: "lstm1"
  recurrent_param { num_output: 24 weight_filler { type: "uniform" min: -0.4 max: 0.4 } } }
layer { name: "fc8-final" type: "InnerProduct" bottom: "lstm1" top: "fc8-final"
  inner_product_param { num_output: 101 axis: 2 weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc8-final" bottom: "reshape-label" top: "loss"
  softmax_param { axis: 2 } }
layer { name: "accuracy" type: "Accuracy" bottom: "fc8-final" bottom: "reshape-label"
  top: "accuracy" accuracy_param { axis: 2 } include { phase: TEST } }"""


def test_an_activity_net_learns_from_folders_of_frames(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_clip_folders(tmp_path, {"train": 12, "test": 4}, height=24, width=24)
    (tmp_path / "net.prototxt").write_text(ACTIVITY)
    (tmp_path / "solver.prototxt").write_text("""net: "net.prototxt" test_iter: 2
        test_state: { stage: 'test-on-test' } test_interval: 60 base_lr: 0.01 lr_policy: "fixed"
        type: "Adam" display: 60 max_iter: 180 snapshot_after_train: false snapshot_prefix: "s"
        random_seed: 1701 average_loss: 5""")
    assert main(["train", "-solver", "solver.prototxt", "-gpu", "none"]) == 0
    log = capsys.readouterr().err
    losses = [float(value) for value in re.findall(r"Iteration \d+.*, loss = ([\d.]+)", log)]
    assert losses[0] > 4 and losses[-1] < 1.4
    assert len(re.findall(r"Test net output #0: accuracy = ", log)) == 4
