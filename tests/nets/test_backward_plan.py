"""Which layers run backward, and for which bottoms."""

from tests.nets.small_layers import INPUT, LABEL, build, loss, product


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
