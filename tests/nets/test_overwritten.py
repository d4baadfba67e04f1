"""Data that backward needs and a later in-place layer overwrites: found wherever it does harm."""

import numpy as np
import pytest

from caffe_lite.__main__ import main
from caffe_lite.nets.overwritten import overwritten
from tests.nets.small_net import build

HEAD = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 dim: 5 } } }
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 3 dim: 4 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 4
        weight_filler { type: "gaussian" std: 0.6 } bias_filler { type: "constant" value: 0.2 } } }
"""
TAIL = """
layer { name: "loss" type: "EuclideanLoss" bottom: "%s" bottom: "t" top: "loss" }
"""
FILL = 'filler { type: "gaussian" std: 0.4 }'
TYPES = {
    "ReLU": "",
    "LeakyReLU": "relu_param { negative_slope: 0.3 }",
    "Sigmoid": "",
    "TanH": "",
    "ELU": "elu_param { alpha: 0.7 }",
    "Exp": "exp_param { base: 2 }",
    "Swish": "",
    "BNLL": "",
    "PReLU": f"prelu_param {{ {FILL} }}",
    "Power": "power_param { power: 2 scale: 0.5 shift: 3 }",
    "Dropout": "dropout_param { dropout_ratio: 0.3 }",
    "Scale": f"scale_param {{ bias_term: true {FILL} }}",
    "Bias": f"bias_param {{ {FILL} }}",
    "BatchNorm": "",
    "Softmax": "",
    "Clip": "clip_param { min: -0.5 max: 0.5 }",
    "ReLU6": "",
}


def layer(name, kind, bottom, top):
    real = "ReLU" if kind == "LeakyReLU" else kind
    return (
        f'layer {{ name: "{name}" type: "{real}" bottom: "{bottom}" top: "{top}" {TYPES[kind]} }}\n'
    )


def make(text):
    net = build(text, seed=4)
    rng = np.random.default_rng(7)
    for name in ("x", "t"):
        net.blobs[name].data[...] = rng.normal(0.3, 1, net.blobs[name].shape)
    return net


def gradient_error(net):
    """Of the derivative along a random direction of the weights, relative to finite differences."""
    state = net.get_state()

    def loss(step):
        weights = net.params["ip"][0].data
        kept = weights.copy()
        weights += step * direction
        net.set_state(state)
        net.forward()
        weights[...] = kept
        return float(net.blobs["loss"].data)

    direction = np.random.default_rng(1).normal(size=net.params["ip"][0].shape)
    numeric = (loss(1e-5) - loss(-1e-5)) / 2e-5
    loss(0)
    net.clear_param_diffs()
    net.backward()
    analytic = float((net.params["ip"][0].diff * direction).sum())
    return abs(analytic - numeric) / max(abs(numeric), 1e-3)


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("first", TYPES)
def test_every_pair_with_a_wrong_gradient_is_found(first, in_place):
    top = "ip" if in_place else "a"
    before = HEAD + layer("first", first, "ip", top)
    for second in TYPES:
        net = make(before + layer("second", second, top, top) + TAIL % top)
        found, error = overwritten(net), gradient_error(net)
        if error > 1e-5:
            assert found, f"{first}, {second}: off by {error:.2g}, and nothing is reported"
        for each in found:
            assert (each.reader.name, each.writer.name, each.blob) == ("first", "second", top)
            remedied = make(before + layer("second", second, top, "b") + TAIL % "b")
            assert not overwritten(remedied)
            assert gradient_error(remedied) < 1e-5, f"{first}, {second}"


def test_wrong_gradients_are_wrong_by_much():
    net = make(
        HEAD + layer("r", "ReLU", "ip", "ip") + layer("s", "Scale", "ip", "ip") + TAIL % "ip"
    )
    assert gradient_error(net) > 0.1
    (found,) = overwritten(net)
    assert str(found) == (
        'layer "r" (ReLU) needs the data of "ip" in backward, but layer "s" (Scale) overwrites '
        'them in place, so the gradient is wrong, as in Caffe; give the top of "s" another name'
    )


def test_memory_that_a_reshape_shares_is_followed():
    text = """
    layer { name: "ip2" type: "InnerProduct" bottom: "ip" top: "y" inner_product_param {
            num_output: 4 weight_filler { type: "gaussian" std: 0.5 } } }
    layer { name: "view" type: "Reshape" bottom: "ip" top: "v"
            reshape_param { shape { dim: 4 dim: 3 } } }
    layer { name: "half" type: "Power" bottom: "v" top: "v" power_param { scale: 0.5 } }
    layer { name: "back" type: "Reshape" bottom: "v" top: "w"
            reshape_param { shape { dim: 3 dim: 4 } } }
    layer { name: "sum" type: "Eltwise" bottom: "y" bottom: "w" top: "sum" }
    """
    (found,) = overwritten(make(HEAD + text + TAIL % "sum"))
    assert (found.reader.name, found.writer.name) == ("ip2", "half")


def test_common_chains_are_not_reported():
    for kinds in (
        ["ReLU", "Dropout"],
        ["BatchNorm", "Scale", "ReLU"],
        ["PReLU", "Dropout"],
        ["LeakyReLU", "ReLU", "Dropout"],
        ["Scale", "Bias", "ELU"],
    ):
        text = "".join(layer(f"l{i}", kind, "ip", "ip") for i, kind in enumerate(kinds))
        net = make(HEAD + text + TAIL % "ip")
        assert not overwritten(net), kinds
        assert gradient_error(net) < 1e-6, kinds


def test_layers_without_a_backward_pass_are_not_reported():
    text = HEAD.replace(
        'name: "ip" type', 'name: "ip" param { lr_mult: 0 } param { lr_mult: 0 } type'
    )
    chain = layer("r", "ReLU", "ip", "ip") + layer("s", "Power", "ip", "ip")
    assert not overwritten(make(text + chain + TAIL % "ip"))


@pytest.fixture
def spoiled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = HEAD.replace(
        'type: "Input" top: "x" input_param', 'type: "DummyData" top: "x" dummy_data_param'
    )
    data = data.replace(
        'type: "Input" top: "t" input_param', 'type: "DummyData" top: "t" dummy_data_param'
    )
    chain = layer("sig", "Sigmoid", "ip", "ip") + layer("twice", "Scale", "ip", "ip")
    (tmp_path / "net.prototxt").write_text(data + chain + TAIL % "ip")
    (tmp_path / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 1'
    )


def test_gradcheck_names_the_pair(spoiled, capsys):
    assert main(["gradcheck", "--model", "net.prototxt"]) == 1
    out = capsys.readouterr().out
    assert 'layer "sig" (Sigmoid) needs the data of "ip" in backward' in out
    assert "all gradients agree" not in out
    assert main(["gradcheck", "--model", "net.prototxt", "--layer", "twice"]) == 0


def test_train_warns_once(spoiled, capsys):
    assert main(["train", "--solver", "solver.prototxt"]) == 0
    err = capsys.readouterr().err
    assert err.count('layer "twice" (Scale) overwrites them in place') == 1
