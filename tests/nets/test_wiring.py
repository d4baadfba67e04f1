"""Connecting layers: which blob each bottom and top is."""

import pytest

from caffe_lite.errors import ModelError
from tests.nets.small_layers import INPUT, LABEL, build, product


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
