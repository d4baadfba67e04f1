"""Connecting layers, and deciding what backward computes."""

import pytest

from caffe_lite.errors import ModelError
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 } } } '
LABEL = 'layer { name: "lab" type: "Input" top: "t" input_param { shape { dim: 4 dim: 2 } } } '


def build(definition, phase=schema.TRAIN):
    return Net(text.parse(definition, schema.NetParameter), phase, seed=1)


def product(name, bottom, top, more=""):
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{top}" {more} '
        'inner_product_param { num_output: 2 weight_filler { type: "xavier" } } } '
    )


def loss(bottom, more=""):
    return (
        f'layer {{ name: "loss" type: "EuclideanLoss" bottom: "{bottom}" bottom: "t" top: "l" '
        f"{more} }} "
    )


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (
            INPUT + product("a", "x", "y") + product("b", "x", "y"),
            'blob "y" is a top of layer "a" and of layer "b"; give one of them another name',
        ),
        (
            INPUT + product("a", "x", "x"),
            'layer "a" (InnerProduct): cannot work in place; give its top "x" another name',
        ),
        (
            INPUT + 'layer { name: "r" type: "ReLU" bottom: "x" bottom: "x" top: "y" }',
            'layer "r" (ReLU): takes 1 bottom blob, got 2 ("x", "x")',
        ),
        (
            INPUT
            + product("a", "x", "y")
            + 'layer { name: "r" type: "ReLU" bottom: "x" top: "x" }',
            'layer "r" (ReLU): cannot work in place on "x", which another layer takes as well; '
            "give its top another name",
        ),
        (
            INPUT + 'layer { name: "r" type: "ReLU" bottom: "x" }',
            'layer "r" (ReLU): takes 1 top blob, got 0',
        ),
        (
            INPUT + LABEL + 'layer { name: "e" type: "EuclideanLoss" bottom: "x" top: "l" }',
            'layer "e" (EuclideanLoss): takes 2 bottom blobs, got 1 ("x")',
        ),
        (
            INPUT + product("a", "x", "y", "propagate_down: true propagate_down: false"),
            'layer "a" (InnerProduct): propagate_down must be given once per bottom (1) or not at '
            "all, got 2",
        ),
        (
            INPUT + product("a", "x", "y", "loss_weight: 1 loss_weight: 2"),
            'layer "a" (InnerProduct): loss_weight must be given once per top (1) or not at all, '
            "got 2",
        ),
        (
            INPUT + product("a", "x", "y", "param { } param { } param { }"),
            'layer "a" (InnerProduct): `param { }` must be given at most once per learned blob '
            "(2), got 3",
        ),
        (
            INPUT + 'layer { name: "c" type: "Convolutoin" bottom: "x" top: "y" }',
            'layer "c": unknown layer type "Convolutoin"; did you mean "Convolution"? (`caffe_lite '
            "layers` lists the known ones)",
        ),
    ],
)
def test_what_cannot_be_wired_is_one_clear_line(definition, message):
    with pytest.raises(ModelError) as error:
        build(definition)
    assert str(error.value) == message


def test_backward_runs_where_a_learned_blob_meets_a_loss():
    net = build(
        INPUT
        + LABEL
        + product("a", "x", "y")
        + product("b", "y", "z")
        + product("aside", "x", "w")
        + loss("z")
    )
    needs = dict(zip(net.layer_names, net.layer_need_backward, strict=True))
    assert needs == {
        "in": False,
        "lab": False,
        "x_in_0_split": False,
        "a": True,
        "b": True,
        "aside": False,
        "loss": True,
    }
    flags = dict(zip(net.layer_names, net.bottom_need_backward, strict=True))
    assert flags["a"] == [False] and flags["b"] == [True] and flags["loss"] == [True, False]


def test_nothing_below_frozen_layers_runs_backward():
    frozen = "param { lr_mult: 0 } param { lr_mult: 0 }"
    net = build(INPUT + LABEL + product("a", "x", "y", frozen) + product("b", "y", "z") + loss("z"))
    needs = dict(zip(net.layer_names, net.layer_need_backward, strict=True))
    assert not needs["a"] and needs["b"]
    assert net.bottom_need_backward[net.layer_index("b")] == [False]


def test_propagate_down_false_cuts_what_is_below():
    net = build(
        INPUT
        + LABEL
        + product("a", "x", "y")
        + product("b", "y", "z", "propagate_down: false")
        + loss("z")
    )
    assert not net.layer_need_backward[net.layer_index("a")]
    assert net.bottom_need_backward[net.layer_index("b")] == [False]


def test_propagate_down_true_asks_for_an_input_gradient():
    net = build(INPUT + LABEL + product("a", "x", "y", "propagate_down: true") + loss("y"))
    assert net.bottom_need_backward[net.layer_index("a")] == [True]


def test_force_backward_reaches_inputs_but_not_labels_of_class():
    net = build(
        "force_backward: true "
        + INPUT
        + 'layer { name: "lab" type: "Input" top: "t" input_param { shape { dim: 4 } } } '
        + product("a", "x", "y", "param { lr_mult: 0 } param { lr_mult: 0 }")
        + 'layer { name: "s" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" top: "l" }'
    )
    assert all(net.layer_need_backward)
    assert net.bottom_need_backward[net.layer_index("a")] == [True]
    assert net.bottom_need_backward[net.layer_index("s")] == [True, False]
    assert net.layers[net.layer_index("a")].param_propagate_down == [True, True]


def test_a_loss_without_a_top_gets_one():
    net = build(
        INPUT
        + LABEL
        + product("a", "x", "y")
        + 'layer { name: "e" type: "EuclideanLoss" bottom: "y" bottom: "t" }'
    )
    assert net.top_names["e"] == ["(automatic)"]
    assert net.outputs == []
    net.forward()
    assert net.blobs["(automatic)"].shape == ()
