"""Nets described without what they read: parts of nets, sizes that must fit, foreign sources."""

import json
import sys

import pytest

from caffe_lite.errors import ModelError
from caffe_lite.layers.python import Python
from caffe_lite.nets.describe import describe
from caffe_lite.proto import schema, text

PART = """
layer { name: "ip" type: "InnerProduct" bottom: "features" top: "score"
        inner_product_param { num_output: 7 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
"""
# Halved and doubled, so that the sum needs sides that two divides twice.
HOURGLASS = """
layer { name: "data" type: "Data" top: "data" data_param { source: "none" batch_size: 3 } }
layer { name: "half" type: "Pooling" bottom: "data" top: "half"
        pooling_param { kernel_size: 4 stride: 4 } }
layer { name: "whole" type: "Deconvolution" bottom: "half" top: "whole"
        convolution_param { num_output: 3 group: 3 kernel_size: 4 stride: 4 bias_term: false } }
layer { name: "sum" type: "Eltwise" bottom: "data" bottom: "whole" top: "sum" }
"""


def described(definition, phase=schema.TEST, **shapes):
    net = text.parse(definition, schema.NetParameter)
    net.state.phase = phase
    return describe(net, shapes, None)


def tops(found):
    return {name: shape for row in found.rows for name, shape in row.tops.items()}


def test_a_part_of_a_net_gets_the_inputs_that_it_lacks():
    found = described(PART)
    assert found.inputs == ["features", "label"]
    assert tops(found) == {"features": (1, None), "label": (1,), "score": (1, 7), "loss": ()}
    assert "features" in found.guessed and found.open_tops == {"features", "label"}


def test_the_shape_of_a_part_can_be_given():
    found = described(PART, features=(64, 512))
    assert tops(found)["features"] == (64, 512)
    assert tops(found)["label"] == (64,)
    assert found.rows[2].parameters == 512 * 7 + 7
    assert found.guessed == ["label"]


def test_a_net_that_reads_something_is_no_part():
    source = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 3 dim: 4 } } }'
    with pytest.raises(ModelError, match='bottom.0. "features" is not a top of any layer'):
        described(source + PART)
    found = described(source + PART, features=(5, 6), label=(5,))
    assert found.inputs == ["features", "label"] and found.guessed == []


def test_another_guess_is_tried_where_the_usual_ones_do_not_fit():
    found = described(HOURGLASS)
    assert tops(found)["sum"] == (3, 3, 256, 256)


def test_an_error_is_that_of_the_first_guess():
    with pytest.raises(ModelError, match=r"shape.*\(3, 3, 227, 227\).*give --shape data=N"):
        described(HOURGLASS.replace("num_output: 3", "num_output: 6"))


def test_a_data_layer_that_only_a_fork_has():
    found = described(
        'layer { name: "gt" type: "LaneData" top: "data" top: "label" }'
        'layer { name: "conv" type: "Convolution" bottom: "data" top: "y"'
        "        convolution_param { num_output: 2 kernel_size: 5 } }"
    )
    assert tops(found)["data"] == (1, None, None, None)
    assert "and is not supported here" in found.unsupported["gt"]
    with pytest.raises(ModelError, match='unknown layer type "LineData"'):
        described('layer { name: "gt" type: "LineData" top: "data" }')


def test_modules_of_this_package_are_there_however_it_was_imported(monkeypatch):
    monkeypatch.setattr(sys, "path", [])  # as where a hook of an editable install finds it
    layer = schema.LayerParameter(type="Python", bottom=["x"])
    layer.python_param.module = "caffe_lite.forks.rcnn.python_layers.proposal_layer"
    assert Python.source_exists(layer)


def test_a_missing_module_gets_the_shape_that_a_loss_asks_for():
    found = described(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }'
        'layer { name: "to" type: "Python" bottom: "x" top: "t"'
        '        python_param { module: "nobody.has" layer: "It" } }'
        'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"'
        "        inner_product_param { num_output: 8 } }"
        'layer { name: "loss" type: "SmoothL1Loss" bottom: "y" bottom: "t" top: "loss" }'
    )
    assert tops(found)["t"] == (2, 8)


def test_the_phase_of_a_solvers_nets(tmp_path, capsys):
    from caffe_lite.cli import main

    solver = tmp_path / "solver.prototxt"
    net = "net_param { " + PART.replace("512", "1") + " }"
    solver.write_text(net + 'base_lr: 1 lr_policy: "fixed" test_iter: 1 test_interval: 5')
    for phases in (("TRAIN",), ("TEST",)):
        assert main(["summary", str(solver), "--json", "--phase", *phases]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [json.loads(line)["phase"] for line in lines] == list(phases)
    solver.write_text(net + 'base_lr: 1 lr_policy: "fixed"')
    assert main(["summary", str(solver), "--phase", "TEST"]) == 2
    assert "--phase TEST: the solver tests no net" in capsys.readouterr().err


def test_a_shape_is_traced_back_through_layers_that_keep_it():
    found = described(
        'layer { name: "n" type: "Normalize" bottom: "rows" top: "unit" normalize_param { } }'
        'layer { name: "d" type: "InnerDistance" bottom: "unit" bottom: "centers" top: "far" }'
        'layer { name: "c" type: "Parameter" top: "w" parameter_param { shape { dim: 5 dim: 7 } } }'
        'layer { name: "e" type: "InnerDistance" bottom: "unit" bottom: "w" top: "near" }',
        centers=(3, 7),
    )
    assert tops(found)["rows"] == (1, 7) and tops(found)["near"] == (1, 5)


def test_arrays_whose_mean_file_is_missing():
    found = described(
        """layer { name: "data" type: "MemoryData" top: "data" top: "label"
                  memory_data_param { batch_size: 6 channels: 3 height: 8 width: 9 }
                  transform_param { mean_file: "none.binaryproto" } }"""
    )
    assert tops(found) == {"data": (6, 3, 8, 9), "label": (6,)} and not found.guessed
