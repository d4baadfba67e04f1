"""Upgrades: Caffe's own results, and the rules that its source states for what they do not show."""

from pathlib import Path

import pytest

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import schema, text
from caffe_lite.proto.upgrade import (
    solver_needs_upgrade,
    upgrade_net,
    upgrade_net_steps,
    upgrade_solver,
)

RECORDED = sorted((Path(__file__).parent / "upgrade").glob("*_net.prototxt"))


def net(source: str):
    return text.parse(source, schema.NetParameter)


def solver(source: str):
    return text.parse(source, schema.SolverParameter)


def check(old: str, new: str) -> None:
    """`old` upgrades to `new`, is left alone itself, and has then nothing more to upgrade."""
    before = net(old)
    upgraded = upgrade_net(before)
    assert text.format(upgraded) == text.format(net(new))
    assert before == net(old)
    assert upgrade_net_steps(upgraded, "again") == (upgraded, [])


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_nets(path):
    assert upgrade_net_steps(text.read(path, schema.NetParameter), "net")[1]
    check(path.read_text(), path.with_suffix(".upgraded.prototxt").read_text())


def test_recorded_solver():
    path = Path(__file__).parent / "upgrade" / "v1_solver.prototxt"
    old = text.read(path, schema.SolverParameter)
    expected = text.read(path.with_suffix(".upgraded.prototxt"), schema.SolverParameter)
    assert solver_needs_upgrade(old) and not solver_needs_upgrade(expected)
    assert upgrade_solver(old) == expected
    assert old.HasField("solver_type")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SGD", "SGD"),
        ("NESTEROV", "Nesterov"),
        ("ADAGRAD", "AdaGrad"),
        ("RMSPROP", "RMSProp"),
        ("ADADELTA", "AdaDelta"),
        ("ADAM", "Adam"),
        ("3", "RMSProp"),
    ],
)
def test_solver_types(old, new):
    assert upgrade_solver(solver(f"solver_type: {old}")) == solver(f'type: "{new}"')


def test_solver_with_both_types():
    with pytest.raises(PrototxtError, match='^s: both type: "SGD" and the old solver_type'):
        upgrade_solver(solver("type: 'SGD' solver_type: SGD"), "s")


def test_current_nets_stay_as_they_are():
    source = """name: "n" layer { name: "d" type: "Data" data_param { scale: 2 mirror: true } }
        layer { type: "BatchNorm" param { lr_mult: 1 } param { } }"""
    assert upgrade_net_steps(net(source), "f") == (net(source), [])


def test_steps_are_named():
    path = Path(__file__).parent / "upgrade" / "v0_net.prototxt"
    _, steps = upgrade_net_steps(text.read(path, schema.NetParameter), "f")
    assert steps == ["V0 layers", "V1 layers", "top-level inputs"]
    _, steps = upgrade_net_steps(net("layers { type: DATA data_param { mirror: true } }"), "f")
    assert steps == ["data transform fields", "V1 layers"]


# Inputs.


def test_inputs_with_shapes_come_first():
    check(
        "input: 'a' input_shape { dim: 2 dim: 3 } input_shape { dim: 9 } layer { name: 'x' }",
        """layer { name: 'input' type: 'Input' top: 'a' input_param { shape { dim: 2 dim: 3 } } }
           layer { name: 'x' }""",
    )


def test_inputs_with_dims():
    check(
        "input: 'a' input: 'b' input_dim: [2, 3, 5, 7, 11, 13, 17, 19, 23]",
        """layer { name: 'input' type: 'Input' top: 'a' top: 'b' input_param {
             shape { dim: [2, 3, 5, 7] } shape { dim: [11, 13, 17, 19] } } }""",
    )


def test_shapes_go_before_dims():
    check(
        "input: 'a' input_dim: [2, 3, 5, 7] input_shape { dim: 4 }",
        "layer { name: 'input' type: 'Input' top: 'a' input_param { shape { dim: 4 } } }",
    )


def test_inputs_of_weights_files_have_no_shape_and_are_dropped():
    check("input: 'a' layer { name: 'x' }", "layer { name: 'x' }")


def test_dims_without_inputs_are_left():
    source = net("input_dim: 1 input_shape { dim: 1 }")
    assert upgrade_net_steps(source, "net") == (source, [])


@pytest.mark.parametrize(
    ("old", "message"),
    [
        (
            "input: 'a' input: 'b' input_shape { dim: 2 }",
            'f: input "b" has no input_shape of its own',
        ),
        (
            "input: 'a' input: 'b' input_dim: [2, 3, 5, 7, 11, 13, 17]",
            'f: input "b" has no four input_dim of its own',
        ),
    ],
)
def test_inputs_that_lack_a_shape(old, message):
    with pytest.raises(PrototxtError) as caught:
        upgrade_net(net(old), "f")
    assert str(caught.value) == message


# Batch normalization.


def test_three_params_of_batch_norm_are_frozen():
    check(
        """layer { type: "BatchNorm" param { name: "m" lr_mult: 2 } param { } param { } }
           layer { type: "Scale" param { } param { } param { } }""",
        """layer { type: "BatchNorm" param { name: "m" lr_mult: 0 decay_mult: 0 }
             param { lr_mult: 0 decay_mult: 0 } param { lr_mult: 0 decay_mult: 0 } }
           layer { type: "Scale" param { } param { } param { } }""",
    )


# Data transformation in V1 layers.


@pytest.mark.parametrize(
    ("old", "new", "param"),
    [
        ("DATA", "Data", "data_param"),
        ("IMAGE_DATA", "ImageData", "image_data_param"),
        ("WINDOW_DATA", "WindowData", "window_data_param"),
    ],
)
def test_transform_fields_move(old, new, param):
    fields = "scale: 0.5 mean_file: 'm' crop_size: 7 mirror: false"
    check(
        f"layers {{ type: {old} {param} {{ source: 's' {fields} }} "
        "transform_param { mean_value: 3 mirror: true } }",
        f"layer {{ type: '{new}' {param} {{ source: 's' }} transform_param {{ {fields} "
        "mean_value: 3 } }",
    )


def test_every_data_layer_of_such_a_net_gets_both_messages():
    check(
        "layers { type: DATA data_param { crop_size: 5 } } layers { type: IMAGE_DATA } "
        "layers { type: MEMORY_DATA }",
        "layer { type: 'Data' data_param { } transform_param { crop_size: 5 } } "
        "layer { type: 'ImageData' image_data_param { } transform_param { } } "
        "layer { type: 'MemoryData' }",
    )


def test_transform_fields_of_other_layers_stay():
    check(
        "layers { type: RELU data_param { mirror: true } }",
        "layer { type: 'ReLU' data_param { mirror: true } }",
    )
