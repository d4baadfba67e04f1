"""Nets described without their data: what their definitions tell, and what they leave open."""

import argparse
import json

import pytest

from caffe_lite.cli import summary
from caffe_lite.errors import ModelError, UsageError

CAPTIONER = """name: "captioner"
layer { name: "data" type: "ImageData" top: "data" top: "label"
  include { phase: TRAIN not_stage: "all" }
  transform_param { mirror: true crop_size: 11 mean_value: 104 }
  image_data_param { source: "h5/buffer_6/train/list.txt" batch_size: 6 new_height: 16
                     new_width: 16 } }
layer { name: "data" type: "HDF5Data" top: "cont_sentence" top: "input_sentence"
  top: "target_sentence" include { phase: TRAIN not_stage: "all" }
  hdf5_data_param { source: "h5/buffer_6/train/chunks.txt" batch_size: 5 } }
layer { name: "data" type: "HDF5Data" top: "cont_sentence" top: "input_sentence"
  top: "target_sentence" include { phase: TEST stage: "words" }
  hdf5_data_param { source: "h5/buffer_7/val/chunks.txt" batch_size: 4 } }
layer { name: "silence" type: "Silence" bottom: "label" include { phase: TRAIN } }
layer { name: "feature" type: "InnerProduct" bottom: "data" top: "feature"
  include { phase: TRAIN } inner_product_param { num_output: 3 } }
layer { name: "embedding" type: "Embed" bottom: "input_sentence" top: "embedded"
  embed_param { bias_term: false input_dim: 9 num_output: 8 } }
layer { name: "lstm" type: "LSTM" bottom: "embedded" bottom: "cont_sentence" bottom: "feature"
  top: "lstm" include { stage: "factored" } recurrent_param { num_output: 7 } }
layer { name: "lstm" type: "LSTM" bottom: "embedded" bottom: "cont_sentence"
  top: "lstm" exclude { stage: "factored" } recurrent_param { num_output: 7 } }
layer { name: "predict" type: "InnerProduct" bottom: "lstm" top: "predict"
  inner_product_param { num_output: 9 axis: 2 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "predict" bottom: "target_sentence" top: "loss"
  softmax_param { axis: 2 } loss_param { ignore_label: -1 } }
"""
SOLVER = """net: "./examples/captions/captioner.prototxt"
train_state: { stage: "factored" }
test_iter: 2 test_state: { stage: "words" }
test_iter: 3 test_state: { stage: "words" stage: "other" }
test_interval: 10 base_lr: 1 lr_policy: "fixed" """


@pytest.fixture
def describe(tmp_path, capsys, monkeypatch):
    """Run `summary` on a net's text with options; its JSON lines."""
    monkeypatch.chdir(tmp_path)

    def run(text, *options, name="captioner.prototxt", asks_json=True):
        (tmp_path / name).write_text(text)
        parser = argparse.ArgumentParser()
        summary.add_arguments(parser)
        summary.run(parser.parse_args([name, *options, *["--json"] * asks_json]))
        out = capsys.readouterr().out
        return [json.loads(line) for line in out.splitlines()] if asks_json else out

    return run


def layers(net):
    return {(row["name"], row["type"]): row for row in net["layers"]}


def test_a_net_of_stages_is_described_without_its_data(describe):
    [net] = describe(CAPTIONER, "--phase", "TRAIN", "--stage", "factored")
    rows = layers(net)
    assert rows["data", "ImageData"]["tops"] == {"data": [6, 3, 11, 11], "label": [6]}
    assert set(map(tuple, rows["data", "HDF5Data"]["tops"].values())) == {(5, 6)}
    assert rows["lstm", "LSTM"]["parameters"] == 4 * 7 * (8 + 1 + 3 + 7)
    assert rows["predict", "InnerProduct"]["tops"] == {"predict": [5, 6, 9]}
    [net] = describe(CAPTIONER, "--phase", "TEST", "--stage", "words")
    assert layers(net)["data", "HDF5Data"]["tops"]["input_sentence"] == [4, 7]
    assert layers(net)["lstm", "LSTM"]["parameters"] == 4 * 7 * (8 + 1 + 7)


def test_a_solver_is_described_by_its_nets_in_their_states(describe):
    describe(CAPTIONER, "--phase", "TRAIN")
    nets = describe(SOLVER, name="solver.prototxt")
    assert [(net["phase"], net["stages"]) for net in nets] == [
        ("TRAIN", ["factored"]),
        ("TEST", ["words"]),
        ("TEST", ["words", "other"]),
    ]


def test_a_state_without_data_names_the_stages_there_are(describe):
    with pytest.raises(ModelError, match="has layers for stages: all, factored, words"):
        describe(CAPTIONER, "--phase", "TEST")


OPEN = """layer { name: "d" type: "Data" top: "data" top: "label"
  data_param { source: "no" batch_size: 5 } }
layer { name: "c" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { global_pooling: true } }
layer { name: "f" type: "InnerProduct" bottom: "p" top: "f" inner_product_param { num_output: 2 } }
layer { name: "l" type: "Python" bottom: "f" bottom: "label" top: "l" loss_weight: 1
  python_param { module: "nowhere_to_be_found" layer: "L" } }
"""


def test_what_a_definition_leaves_open_is_unknown(describe):
    [net] = describe(OPEN)
    rows = layers(net)
    assert rows["d", "Data"]["tops"] == {"data": [5, None, None, None], "label": [5]}
    assert rows["c", "Convolution"]["parameters"] is None
    assert rows["c", "Convolution"]["tops"] == {"c": [5, 4, None, None]}
    assert rows["f", "InnerProduct"]["parameters"] == 2 * 4 + 2
    assert rows["l", "Python"]["tops"] == {"l": []}
    text = describe(OPEN, asks_json=False)
    assert "5x4x?x?" in text and "give --shape data=N,..." in text
    [net] = describe(OPEN, "--shape", "data=5,2,8,6")
    assert layers(net)["c", "Convolution"]["parameters"] == 4 * 2 * 9 + 4
    with pytest.raises(UsageError, match="expected TOP=N,C,H,W"):
        describe(OPEN, "--shape", "data")


def test_rows_of_numbers_are_open_too(describe):
    [net] = describe("""layer { name: "d" type: "HDF5Data" top: "data" top: "label"
      hdf5_data_param { source: "no" batch_size: 5 } }
    layer { name: "f" type: "InnerProduct" bottom: "data" top: "f"
      inner_product_param { num_output: 2 } }""")
    rows = layers(net)
    assert rows["d", "HDF5Data"]["tops"] == {"data": [5, None], "label": [5]}
    assert rows["f", "InnerProduct"]["tops"] == {"f": [5, 2]}


def test_images_are_guessed_where_they_reach_a_convolution_by_way_of_others(describe):
    [net] = describe("""layer { name: "d" type: "HDF5Data" top: "x" top: "clip_markers"
      hdf5_data_param { source: "no" batch_size: 5 } }
    layer { name: "p" type: "Power" bottom: "x" top: "y" power_param { scale: 0.5 } }
    layer { name: "c" type: "Convolution" bottom: "y" top: "c"
      convolution_param { num_output: 4 kernel_size: 3 } }""")
    rows = layers(net)
    assert rows["d", "HDF5Data"]["tops"] == {"x": [5, None, None, None], "clip_markers": [5]}
    assert rows["c", "Convolution"]["tops"] == {"c": [5, 4, None, None]}


def test_an_error_that_a_guess_may_have_made_says_so(describe):
    with pytest.raises(ModelError, match=r"shape of x, answer was guessed: give --shape x=N"):
        describe("""layer { name: "d" type: "HDF5Data" top: "x" top: "answer"
          hdf5_data_param { source: "no" batch_size: 5 } }
        layer { name: "l" type: "InnerProduct" bottom: "x" top: "l"
          inner_product_param { num_output: 2 axis: 3 } }
        layer { name: "s" type: "Silence" bottom: "answer" }""")


def test_labels_get_the_shape_that_their_loss_asks_for(describe):
    [net] = describe("""layer { name: "d" type: "HDF5Data" top: "x" top: "answer"
      hdf5_data_param { source: "no" batch_size: 5 } }
    layer { name: "c" type: "Convolution" bottom: "x" top: "c"
      convolution_param { num_output: 4 kernel_size: 3 stride: 100 } }
    layer { name: "l" type: "SoftmaxWithLoss" bottom: "c" bottom: "answer" top: "l" }""")
    assert layers(net)["d", "HDF5Data"]["tops"]["answer"] == [5, 3, 3]


def test_an_error_below_a_missing_module_names_it_and_its_tops(describe):
    net = """layer { name: "data" type: "Input" top: "x" input_param { shape { dim: 2 dim: 5 } } }
      layer { name: "rois" type: "Python" bottom: "x" top: "rois" top: "labels"
        python_param { module: "no.such_module" layer: "Rois" } }
      layer { name: "again" type: "Power" bottom: "rois" top: "again" }
      layer { name: "%s" type: "Pooling" bottom: "%s" top: "pool"
        pooling_param { kernel_size: 2 } }"""
    hint = (
        '; module "no.such_module" of layer "rois" is missing, and the shape of rois, labels was '
        "guessed"
    )
    with pytest.raises(ModelError) as caught:
        describe(net % ("pool", "again"))
    assert hint in str(caught.value)
    with pytest.raises(ModelError) as caught:
        describe(net % ("other", "x"))
    assert "no.such_module" not in str(caught.value)


CLIPS = """layer { name: "data" type: "Python" top: "data" top: "label" top: "clip_markers"
  python_param { module: "sequence_input_layer" layer: "videoReadTrain_flow" %s } }"""


def test_clip_layers_tell_their_own_sizes(describe, monkeypatch, tmp_path):
    [net] = describe(CLIPS % "")
    wanted = {"data": [384, 3, 227, 227], "label": [384], "clip_markers": [384]}
    assert layers(net)["data", "Python"]["tops"] == wanted
    [net] = describe(CLIPS % 'param_str: \'{"buffer": 2, "crop": 9}\'')
    assert layers(net)["data", "Python"]["tops"]["data"] == [32, 3, 9, 9]
    # LRCN's own module is in Python 2, and gives way to ours.
    (tmp_path / "sequence_input_layer.py").write_text("print 'Outputs:', 3\n")
    [net] = describe(CLIPS % "")
    assert layers(net)["data", "Python"]["tops"] == wanted


STAGED = """
layer { name: "d" type: "Input" top: "x" include { stage: "train" }
        input_param { shape { dim: 2 dim: 3 } } }
layer { name: "d" type: "Input" top: "x" include { stage: "deploy" }
        input_param { shape { dim: 1 dim: 3 } } }
layer { name: "f" type: "InnerProduct" bottom: "x" top: "f" inner_product_param { num_output: 4 } }
"""


def test_a_net_that_is_whole_in_a_usual_stage_alone_is_described_in_it(describe):
    text = describe(STAGED, asks_json=False)
    assert text.startswith('net "", phase TEST, stages deploy')
    assert "stage deploy was chosen, as the net is whole in it alone; see --stage" in text
    [net] = describe(STAGED, "--phase", "TRAIN")
    assert net["stages"] == ["train"] and layers(net)["f", "InnerProduct"]["tops"] == {"f": [2, 4]}
    with pytest.raises(ModelError, match="has layers for stages: deploy, train$"):
        describe(STAGED, "--stage", "other")
    broken = STAGED.replace("num_output: 4", "num_output: 0")
    with pytest.raises(ModelError, match='"x" is not a top of any layer before it'):
        describe(broken)
