"""Filtering by state and automatic splits: functions from message to message."""

import pytest

from caffe_lite.errors import ModelError
from caffe_lite.nets.graph import filter_net, insert_splits, state_meets_rule
from caffe_lite.proto import schema, text


def parse(definition):
    return text.parse(definition, schema.NetParameter)


def meets(state, rule):
    return state_meets_rule(
        text.parse(state, schema.NetState), text.parse(rule, schema.NetStateRule)
    )


@pytest.mark.parametrize(
    ("state", "rule", "expected"),
    [
        ("", "", True),
        ("phase: TRAIN", "phase: TRAIN", True),
        ("phase: TRAIN", "phase: TEST", False),
        ("", "phase: TEST", True),  # the default phase is TEST
        ("level: 3", "min_level: 3", True),
        ("level: 2", "min_level: 3", False),
        ("level: 3", "max_level: 3", True),
        ("level: 4", "max_level: 3", False),
        ("level: -1", "max_level: 0", True),
        ("stage: 'a' stage: 'b'", "stage: 'b'", True),
        ("stage: 'a'", "stage: 'a' stage: 'b'", False),
        ("stage: 'a'", "not_stage: 'b'", True),
        ("stage: 'a' stage: 'b'", "not_stage: 'b'", False),
        ("stage: 'a'", "stage: 'a' not_stage: 'a'", False),
    ],
)
def test_a_rule_is_met_when_every_condition_is(state, rule, expected):
    assert meets(state, rule) is expected


def names(definition):
    return [layer.name for layer in filter_net(parse(definition)).layer]


def test_one_met_include_or_no_met_exclude_keeps_a_layer():
    assert names("""
        state { phase: TRAIN stage: "a" level: 2 }
        layer { name: "plain" }
        layer { name: "second" include { phase: TEST } include { stage: "a" } }
        layer { name: "neither" include { phase: TEST } include { stage: "b" } }
        layer { name: "out" exclude { stage: "b" } exclude { min_level: 2 } }
        layer { name: "stays" exclude { stage: "b" } }
    """) == ["plain", "second", "stays"]


def test_include_with_exclude_is_refused():
    with pytest.raises(ModelError, match='layer "x" .* has both include and exclude rules'):
        names('layer { name: "x" include { phase: TRAIN } exclude { phase: TEST } }')


def split(definition):
    return [
        (layer.name, list(layer.bottom), list(layer.top), list(layer.loss_weight))
        for layer in insert_splits(parse(definition)).layer
    ]


def test_a_blob_used_once_is_left_alone():
    definition = 'layer { name: "a" top: "x" } layer { name: "b" bottom: "x" top: "y" }'
    assert split(definition) == [("a", [], ["x"], []), ("b", ["x"], ["y"], [])]


def test_a_blob_used_twice_gets_a_split_named_by_its_maker():
    assert split("""
        layer { name: "a" top: "w" top: "x" }
        layer { name: "b" bottom: "x" top: "y" }
        layer { name: "c" bottom: "y" bottom: "x" top: "z" }
    """) == [
        ("a", [], ["w", "x"], []),
        ("x_a_1_split", ["x"], ["x_a_1_split_0", "x_a_1_split_1"], []),
        ("b", ["x_a_1_split_0"], ["y"], []),
        ("c", ["y", "x_a_1_split_1"], ["z"], []),
    ]


def test_in_place_layers_start_a_new_blob():
    assert split("""
        layer { name: "a" top: "x" }
        layer { name: "r" bottom: "x" top: "x" }
        layer { name: "b" bottom: "x" top: "y" }
        layer { name: "c" bottom: "x" top: "z" }
    """)[1:3] == [
        ("r", ["x"], ["x"], []),
        ("x_r_0_split", ["x"], ["x_r_0_split_0", "x_r_0_split_1"], []),
    ]


def test_a_loss_weight_counts_as_a_use_and_moves_to_the_split():
    assert split("""
        layer { name: "a" top: "x" top: "v" loss_weight: 0.5 loss_weight: 2 }
        layer { name: "b" bottom: "x" top: "y" }
    """) == [
        ("a", [], ["x", "v"], [0, 2]),
        ("x_a_0_split", ["x"], ["x_a_0_split_0", "x_a_0_split_1"], [0.5, 0]),
        ("b", ["x_a_0_split_1"], ["y"], []),
    ]


def test_an_unknown_bottom_names_the_nearest_blob():
    with pytest.raises(ModelError) as error:
        split('layer { name: "a" top: "conv1" } layer { name: "b" type: "ReLU" bottom: "covn1" }')
    assert str(error.value) == (
        'layer "b" (ReLU): bottom[0] "covn1" is not a top of any layer '
        'before it; did you mean "conv1"?'
    )


def test_inputs_of_the_functions_stay_as_they_are():
    net = parse(
        'layer { name: "a" top: "x" } layer { name: "b" bottom: "x" } '
        'layer { name: "c" bottom: "x" include { phase: TRAIN } }'
    )
    before = net.SerializeToString()
    insert_splits(filter_net(net))
    assert net.SerializeToString() == before
