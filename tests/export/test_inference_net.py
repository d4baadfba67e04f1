"""The net that is left for inference."""

import pytest

from caffe_lite.errors import ModelError, UsageError
from caffe_lite.export.inference_net import inference_net
from caffe_lite.nets.net import Net
from caffe_lite.proto import load, schema

TRAINED = """
name: "digits"
layer { name: "images" type: "HDF5Data" top: "data" top: "label" include { phase: TRAIN }
        hdf5_data_param { source: "missing.txt" batch_size: 5 } }
layer { name: "images" type: "DummyData" top: "data" top: "label" include { phase: TEST }
        dummy_data_param { shape { dim: 4 dim: 2 dim: 6 dim: 5 } shape { dim: 4 }
                           data_filler { type: "gaussian" } data_filler { value: 1 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" loss_weight: 0
        convolution_param { num_output: 3 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "score" type: "InnerProduct" bottom: "conv" top: "score"
        inner_product_param { num_output: 7 } }
layer { name: "shifted" type: "Power" bottom: "label" top: "shifted" power_param { shift: 1 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "shifted" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label" top: "accuracy"
        include { phase: TEST } }
layer { name: "quiet" type: "Silence" bottom: "label" }
"""


def net(text):
    return load.decode(text.encode(), schema.NetParameter, "net.prototxt")


def layers(made):
    return [(layer.name, layer.type) for layer in made.param.layer]


def test_data_losses_and_labels_go():
    made = inference_net(net(TRAINED))
    assert layers(made) == [
        ("images", "Input"),
        ("conv", "Convolution"),
        ("relu", "ReLU"),
        ("score", "InnerProduct"),
    ]
    assert made.inputs == {"data": (4, 2, 6, 5)}
    assert made.outputs == ("score",)
    assert made.left_out == ("shifted", "loss", "accuracy", "quiet")
    assert Net(made.param, seed=0).blobs["score"].shape == (4, 7)


def test_losses_become_their_probabilities_on_request():
    made = inference_net(net(TRAINED), probabilities=True)
    assert layers(made)[-1] == ("prob", "Softmax")
    assert made.outputs == ("prob",)


def test_probabilities_that_are_used_stay():
    text = TRAINED.replace('top: "loss"', 'top: "loss" top: "p"').replace(
        'type: "Accuracy" bottom: "score"', 'type: "Accuracy" bottom: "p"'
    )
    assert layers(inference_net(net(text)))[-1] == ("p", "Softmax")


def test_the_phase_selects_layers_and_shapes_come_from_the_caller():
    shapes = {"data": (1, 2, 8, 9)}
    made = inference_net(net(TRAINED), schema.TRAIN, shapes=shapes)
    assert made.inputs == shapes
    assert made.param.state.phase == schema.TEST
    assert not any(layer.include for layer in made.param.layer)


def test_dummy_data_of_constants_is_no_input():
    text = """
    layer { name: "zeros" type: "DummyData" top: "zeros" top: "other"
            dummy_data_param { shape { dim: 2 dim: 3 } shape { dim: 9 } } }
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
    layer { name: "y" type: "Eltwise" bottom: "x" bottom: "zeros" top: "y" }
    layer { name: "quiet" type: "Silence" bottom: "other" }"""
    made = inference_net(net(text))
    assert layers(made)[0] == ("zeros", "DummyData")
    assert [tuple(s.dim) for s in made.param.layer[0].dummy_data_param.shape] == [(2, 3)]
    assert made.inputs == {"x": (2, 3)}
    given = inference_net(net(text), shapes={"zeros": (2, 3)})
    assert set(given.inputs) == {"zeros", "x"}


def test_labels_that_a_kept_layer_makes_stay_while_it_is_used():
    text = """
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
    layer { name: "s" type: "Split" bottom: "x" top: "a" top: "b" top: "c" }
    layer { name: "y" type: "Power" bottom: "a" top: "y" }
    layer { name: "loss" type: "HingeLoss" bottom: "y" bottom: "b" top: "loss" }
    layer { name: "quiet" type: "Silence" bottom: "c" }"""
    made = inference_net(net(text))
    assert list(made.param.layer[1].top) == ["a"]


ONLY_TRAINING = """
name: "t"
layer { name: "x" type: "Input" top: "x" include { phase: TRAIN } }
layer { name: "y" type: "ReLU" bottom: "x" top: "y" include { phase: TRAIN } }"""


@pytest.mark.parametrize(
    ("text", "options", "kind", "message"),
    [
        (ONLY_TRAINING, {}, ModelError, "no layer in the phase TEST; --phase TRAIN takes"),
        ("", {}, ModelError, "has no layers"),
        (ONLY_TRAINING, {"phase": 0}, ModelError, 'shape of its top "x" .* --shape x=N'),
        (TRAINED, {"phase": 0}, ModelError, 'layer "images" .HDF5Data.: the shape of its top'),
        (
            TRAINED,
            {"shapes": {"dta": (1,)}},
            UsageError,
            'no input of that name; did you mean "data',
        ),
        (TRAINED.split('layer { name: "conv"')[0], {}, ModelError, "nothing is left"),
    ],
)
def test_errors(text, options, kind, message):
    with pytest.raises(kind, match=message):
        inference_net(net(text), **options)


def test_detections_are_written_to_no_file():
    text = """
    layer { name: "x" type: "Input" top: "loc" top: "conf" top: "priors"
            input_param { shape { dim: 1 dim: 8 } shape { dim: 1 dim: 6 }
                          shape { dim: 1 dim: 2 dim: 8 } } }
    layer { name: "out" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "priors"
            top: "out" detection_output_param { num_classes: 3
            save_output_param { output_directory: "results" label_map_file: "a" } } }"""
    param = inference_net(net(text)).param.layer[-1].detection_output_param
    assert param.num_classes == 3
    assert not param.HasField("save_output_param")
