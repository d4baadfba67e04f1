"""Convolution or InnerProduct and the ReLU behind it run as one, with the same results."""

import logging

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.layers.relu import ReLU
from caffe_lite.nets.fusion import rectified_layers
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from tests.backend.standin.cupy_module import RawModule, installed

FILLERS = 'weight_filler { type: "gaussian" std: 0.5 } bias_filler { type: "gaussian" std: 0.7 }'

NET = f"""
force_backward: true
layer {{ name: "x" type: "Input" top: "x"
        input_param {{ shape {{ dim: 3 dim: 2 dim: 5 dim: 4 }} }} }}
layer {{ name: "conv" type: "Convolution" bottom: "x" top: "conv"
        convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 {FILLERS} }} }}
layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
layer {{ name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
        inner_product_param {{ num_output: 6 {FILLERS} }} }}
layer {{ name: "leak" type: "ReLU" bottom: "fc" top: "fc" relu_param {{ negative_slope: 0.3 }} }}
layer {{ name: "out" type: "InnerProduct" bottom: "fc" top: "out"
        inner_product_param {{ num_output: 3 {FILLERS} }} }}
layer {{ name: "also" type: "InnerProduct" bottom: "fc" top: "also"
        inner_product_param {{ num_output: 2 {FILLERS} }} }}
"""


def build(definition=NET, ops=None):
    return Net(text.parse(definition, schema.NetParameter), schema.TEST, ops, seed=1)


def fill(net):
    values = np.random.default_rng(0).standard_normal(net.blobs["x"].shape)
    net.blobs["x"].data[...] = net.ops.asarray(values)


def arrays(net, which):
    return {name: net.ops.to_host(getattr(blob, which)).copy() for name, blob in net.blobs.items()}


def rectified(net):
    return [net.layer_names[i] for i in net._rectified]


@pytest.fixture
def relus(monkeypatch):
    """Names of the ReLU layers whose own forward ran."""
    ran = []
    forward = ReLU.forward

    def watched(self, bottom, top):
        ran.append(self.name)
        forward(self, bottom, top)

    monkeypatch.setattr(ReLU, "forward", watched)
    return ran


def test_what_is_fused():
    assert rectified(build()) == ["conv", "fc"]


@pytest.mark.parametrize(("old", "new"), [
    ('bottom: "conv" top: "conv" }', 'bottom: "conv" top: "apart" }'),
    ('type: "ReLU" bottom: "conv"', 'type: "TanH" bottom: "conv"'),
    ("kernel_size: 3", "kernel_size: 3 bias_term: false"),
    ('type: "Convolution"', 'type: "Deconvolution"'),
    ('layer { name: "relu"', 'layer { name: "between" type: "Power" bottom: "conv" top: "conv" }'
                             'layer { name: "relu"'),
])  # fmt: skip
def test_what_is_not_fused(old, new):
    assert old in NET
    assert rectified(build(NET.replace(old, new))) == ["fc"]


def test_a_class_of_the_users_own_is_run_itself():
    class Mine(ReLU):
        pass

    net = build()
    net.layers[2].__class__ = Mine
    assert list(rectified_layers(net.wiring, net.layers)) == [3]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_those_of_layer_by_layer(relus, dtype):
    whole, single = build(ops=get_ops(dtype=dtype)), build(ops=get_ops(dtype=dtype))
    for net in (whole, single):
        fill(net)
    whole.forward()
    assert relus == []
    for i in range(len(single.layers)):
        single.forward(i, i)
    assert relus == ["relu", "leak"]
    wanted = arrays(single, "data")
    assert (wanted["conv"] == 0).any(), "the ReLU changes something"
    assert (wanted["fc"] < 0).any(), "the slope of the second ReLU shows"
    for name, got in arrays(whole, "data").items():
        np.testing.assert_array_equal(got, wanted[name])
    for net in (whole, single):
        for name in net.outputs:
            net.blobs[name].diff[...] = 1
        net.clear_param_diffs()
        net.backward()
    for name, got in arrays(whole, "diff").items():
        np.testing.assert_array_equal(got, arrays(single, "diff")[name])
    for mine, its in zip(whole.learnable_params, single.learnable_params, strict=True):
        np.testing.assert_array_equal(mine.diff, its.diff)


def test_a_run_that_ends_before_the_relu_leaves_it_out(relus):
    net = build()
    fill(net)
    net.forward(0, 1)
    before = net.blobs["conv"].data.copy()
    assert (before < 0).any(), "conv without its ReLU has negative values"
    net.forward(2, 2)
    np.testing.assert_array_equal(net.blobs["conv"].data, np.maximum(before, 0))
    net.forward(2)
    assert relus == ["relu", "relu"]


def test_hooks_see_each_layers_own_result(relus):
    net = build()
    fill(net)
    least = {}
    net.after_forward.append(lambda i: least.update({i: float(net.top_vecs[i][0].data.min())}))
    net.forward()
    assert relus == ["relu", "leak"]
    assert least[1] < 0 <= least[2]


def test_the_debug_log_has_each_layers_own_result(relus, caplog):
    net = build()
    fill(net)
    net.debug_info = True
    with caplog.at_level(logging.INFO, "caffe_lite.net"):
        net.forward()
    assert relus == ["relu", "leak"]
    lines = [r.getMessage() for r in caplog.records if "top blob conv" in r.getMessage()]
    assert len(lines) == 2
    assert lines[0].split()[-1] != lines[1].split()[-1], "conv and relu log different magnitudes"


def test_shapes_may_change(relus):
    net = build()
    fill(net)
    net.forward()
    net.blobs["x"].reshape(2, 2, 5, 4)
    fill(net)
    net.forward()
    assert relus == []
    assert net.blobs["conv"].shape == (2, 4, 5, 4)
    assert (net.blobs["conv"].data >= 0).all(), "the ReLU was applied"


def test_on_a_gpu():
    with installed():
        ops = get_ops(0, "float64")
        ops.tuner.enabled = False  # measuring would launch every plan's kernels
        net, host = build(ops=ops), build(ops=get_ops(dtype="float64"))
        for each in (net, host):
            fill(each)
        RawModule.launches.clear()
        net.forward()
        host.forward()
        assert RawModule.launches.count("bias_relu") == 2
        assert "relu" not in RawModule.launches
        for name, wanted in arrays(host, "data").items():
            np.testing.assert_allclose(arrays(net, "data")[name], wanted, rtol=1e-12, atol=1e-14)
