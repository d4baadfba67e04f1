"""Where the first NaN or infinity of a net is found, and that looking for it changes nothing."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.solvers.nonfinite import all_finite, find_first, first_learned

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 3 dim: 4 } } } '
PRODUCT = """layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
    inner_product_param { num_output: 5 weight_filler { type: "gaussian" } } }"""


def net_of(definition, dtype="float32"):
    net = Net(
        text.parse(definition, schema.NetParameter), schema.TRAIN, get_ops(dtype=dtype), seed=1
    )
    for name in net.inputs:
        blob = net.blobs[name]
        blob.data[...] = np.random.default_rng(2).uniform(1, 2, blob.shape)
    return net


def run(net):
    net.clear_param_diffs()
    net.forward()
    net.backward()


def test_a_sound_net_has_none():
    net = net_of(
        INPUT
        + PRODUCT
        + 'layer { name: "l" type: "Reduction" bottom: "ip" loss_weight: 1 top: "l" }'
    )
    run(net)
    assert find_first(net) is None and first_learned(net) is None


@pytest.mark.parametrize(
    ("value", "count"), [(np.nan, (2, 0)), (np.inf, (0, 2)), (-np.inf, (0, 2))]
)
def test_bad_input(value, count):
    net = net_of(INPUT + PRODUCT)
    net.blobs["x"].data[1, 2:] = value
    run(net)
    found = find_first(net)
    assert (found.place, (found.nan, found.infinite), found.count) == (
        'layer "in" (Input), top "x"',
        count,
        12,
    )
    assert found.causes(0.1, False).startswith("bad input")


def test_a_learned_blob():
    net = net_of(INPUT + PRODUCT)
    net.params["ip"][1].data[3] = np.nan
    run(net)
    for found in (find_first(net), first_learned(net)):
        assert str(found) == 'layer "ip" (InnerProduct), learned blob 1: 1 NaN of 5 values'
    assert "learning rate that is too high (lr = 7)" in find_first(net).causes(7, False)
    assert "no clip_gradients" in find_first(net).causes(7, False)
    assert "clip_gradients" not in find_first(net).causes(7, True)


def test_the_logarithm_of_zero():
    net = net_of(INPUT + 'layer { name: "log" type: "Log" bottom: "x" top: "y" }' + PRODUCT)
    net.blobs["x"].data[0, 1] = 0
    run(net)
    found = find_first(net)
    assert str(found) == 'layer "log" (Log), top "y": 1 infinite of 12 values'
    assert found.causes(0.1, True).startswith("the logarithm of 0")


def test_an_infinity_of_the_backward_pass_alone():
    """The square root of 0 is 0, its gradient infinite."""
    net = net_of(
        INPUT
        + """layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
                 inner_product_param { num_output: 5 } }
             layer { name: "root" type: "Power" bottom: "ip" top: "y" power_param { power: 0.5 } }
             layer { name: "l" type: "Reduction" bottom: "y" top: "l" loss_weight: 1 }"""
    )
    net.params["ip"][0].data[...] = 0
    run(net)
    found = find_first(net)
    assert found.place == 'layer "root" (Power), gradient of bottom "ip"'
    assert found.infinite + found.nan == found.count == 15


def test_a_gradient_of_an_earlier_batch():
    net = net_of(
        INPUT
        + PRODUCT
        + 'layer { name: "l" type: "Reduction" bottom: "ip" top: "l" loss_weight: 1 }'
    )
    run(net)
    net.params["ip"][0].diff[2, 1] = np.inf
    assert find_first(net).place == 'layer "ip" (InnerProduct), gradient of learned blob 0'


STATEFUL = (
    INPUT.replace("dim: 3 dim: 4", "dim: 6 dim: 2 dim: 3")
    + """
layer { name: "c" type: "Input" top: "c" input_param { shape { dim: 6 dim: 2 } } }
layer { name: "twice" type: "Power" bottom: "x" top: "x" power_param { scale: 2 } }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "c" top: "h"
        recurrent_param { num_output: 4 weight_filler { type: "gaussian" std: 0.1 } } }
layer { name: "bn" type: "BatchNorm" bottom: "h" top: "bn" }
layer { name: "drop" type: "Dropout" bottom: "bn" top: "bn" }
layer { name: "l" type: "Reduction" bottom: "bn" top: "l" loss_weight: 1
        reduction_param { operation: SUMSQ } }
"""
)


def test_looking_changes_nothing():
    """Random numbers, statistics, carried states, gradients, and data that changed in place."""

    def outcome(look):
        net = net_of(STATEFUL)
        net.blobs["c"].data[...] = 1
        losses = []
        for _ in range(3):
            net.blobs["x"].data[...] = np.random.default_rng(3).uniform(1, 2, (6, 2, 3))
            run(net)
            losses.append(net.blobs["l"].data.copy())
            if look:
                assert find_first(net) is None
                assert net.blobs["x"].data.max() < 4.0  # doubled once
        arrays = [blob.data for blob in net.learnable_params]
        arrays += [blob.diff for blob in net.learnable_params]
        return [array.copy() for array in (*arrays, *losses)]

    for looked, plain in zip(outcome(True), outcome(False), strict=True):
        assert looked.tobytes() == plain.tobytes()


def test_all_finite():
    ops = get_ops()
    large = np.full(5, 3e38, "f4")
    assert all_finite(ops, [large, np.zeros(0, "f4"), -large])
    for bad in (np.nan, np.inf, -np.inf):
        for place in (0, 4):
            array = large.copy()
            array[place] = bad
            assert not all_finite(ops, [large, array])
    assert all_finite(ops, [])
