"""Recorded steps: what each wrote, and derivatives by finite differences that agree with it."""

import numpy as np
import pytest

from caffe_lite.errors import UsageError
from caffe_lite.explain.inputs import fill, sample_net, with_inputs
from caffe_lite.explain.recording import record
from caffe_lite.layers.registry import CAFFE, layer_class
from caffe_lite.proto import schema, text
from tests.nets.small_net import build

# Python needs a module; a logarithm of what is no probability has no gradient to check.
LEFT_OUT = {"Python", "MultinomialLogisticLoss"}
TYPES = [t for t in CAFFE.types() if layer_class(t).bottoms != (0, 0) and t not in LEFT_OUT]

NET = """
name: "tiny"
layer { name: "data" type: "Data" top: "data" top: "label"
        data_param { source: "nowhere" batch_size: 64 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param {
        num_output: 3 kernel_size: 3 weight_filler { type: "gaussian" std: 0.5 } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "a" type: "InnerProduct" bottom: "conv" top: "a"
        param { name: "w" } param { name: "b" }
        inner_product_param { num_output: 4 weight_filler { type: "gaussian" std: 0.3 } } }
layer { name: "flat" type: "Flatten" bottom: "conv" top: "flat" }
layer { name: "b" type: "InnerProduct" bottom: "flat" top: "b"
        param { name: "w" } param { name: "b" }
        inner_product_param { num_output: 4 weight_filler { type: "gaussian" std: 0.3 } } }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum"
        eltwise_param { operation: PROD } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "sum" bottom: "label" top: "loss" }
"""


def assert_checked(steps):
    checks = 0
    for step in steps:
        for key, expected in step.checks.items():
            scale = max(np.abs(expected).max(), 1e-2)
            np.testing.assert_allclose(step.changes[key], expected, atol=2e-5 * scale, rtol=0)
            checks += 1
    return checks


@pytest.fixture
def tiny():
    param = text.parse(NET, schema.NetParameter)
    replaced = with_inputs(param, {"data": (2, 1, 5, 4), "label": (2,)})
    replaced.force_backward = True
    with build(text.format(replaced)) as net:
        fill(net, {}, 4, 3)
        yield net


@pytest.mark.parametrize("name", TYPES)
def test_caffes_layers_have_inputs_and_agree_with_finite_differences(name):
    with sample_net(name, {}, schema.TRAIN, 0) as net:
        steps, _ = record(net)
    (forward,) = [s for s in steps if not s.backward and s.layer.type == layer_class(name).type]
    assert forward.bottoms and all(f"data {top}" in forward.changes for top in forward.tops)
    assert_checked(steps)


def test_a_net_with_splits_shared_weights_and_layers_in_place(tiny):
    weights = {name: [b.data.copy() for b in blobs] for name, blobs in tiny.params.items()}
    steps, objective = record(tiny)
    assert objective == pytest.approx(float(tiny.loss()), rel=1e-12)
    assert assert_checked(steps) > 10
    names = [(step.layer.name, step.backward) for step in steps]
    assert names.index(("loss", False)) < names.index(("loss", True)) < names.index(("conv", True))
    changed = {key for step in steps for key in step.changes}
    assert {"data conv", "diff conv", "diff conv[0]", "diff data", "data sum"} <= changed
    for name, blobs in weights.items():
        if name != "bn":  # whose averages move with the one forward that is shown
            for before, after in zip(blobs, tiny.params[name], strict=True):
                np.testing.assert_array_equal(before, after.data, err_msg=name)
    assert float(tiny.params["bn"][2].data[0]) == pytest.approx(1)


def test_a_gradient_that_is_wrong_shows(tiny, monkeypatch):
    relu = next(layer for layer in tiny.layers if layer.name == "relu")
    original = relu.backward

    def faulty(top, propagate_down, bottom):
        original(top, propagate_down, bottom)
        bottom[0].diff[...] *= 1.01

    monkeypatch.setattr(relu, "backward", faulty)
    with pytest.raises(AssertionError):
        assert_checked(record(tiny)[0])


def test_gates_of_an_lstm():
    with sample_net("LSTM", {"x": (5, 2, 3), "cont": (5, 2)}, schema.TRAIN, 1) as net:
        steps, _ = record(net)
        hidden = net.blobs["h"].data.copy()
    gates = next(step.over_time for step in steps if step.over_time)
    assert all(gates[name].shape == (5, 2, 5) for name in "ifogc")
    np.testing.assert_allclose(gates["o"] * np.tanh(gates["c"]), hidden, rtol=1e-12)
    assert (gates["i"] > 0).all() and (gates["i"] < 1).all()


def test_nets_that_are_too_large_are_refused():
    param = text.parse(NET, schema.NetParameter)
    large = with_inputs(param, {"data": (9, 1, 12, 12), "label": (9,)})
    with build(text.format(large)) as net, pytest.raises(UsageError, match='"conv.*at most 2,000'):
        record(net)


@pytest.mark.parametrize(
    "shapes, message",
    [
        ({"data": (1, 1, 5, 4)}, r'layer "data" \(Data\) also has the top "label"; give --shape'),
        ({"sum": (2, 4)}, r'layer "sum" \(Eltwise\) computes it; only tops of data layers'),
        ({"dta": (2, 4)}, 'no layer has such a top; did you mean "data"'),
    ],
)
def test_shapes_that_do_not_fit(shapes, message):
    with pytest.raises(UsageError, match=message):
        with_inputs(text.parse(NET, schema.NetParameter), shapes)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"dat": np.zeros(3)}, 'no input "dat"; did you mean "data"'),
        ({"data": np.zeros(3)}, r'"data" has shape \(2, 1, 5, 4\), the values given have \(3,\)'),
    ],
)
def test_values_that_do_not_fit(tiny, given, message):
    with pytest.raises(UsageError, match=message):
        fill(tiny, given, 2, 0)
