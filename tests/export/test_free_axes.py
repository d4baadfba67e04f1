"""Which axes of inputs may have other sizes."""

from caffe_lite.export.free_axes import free_axes, varying_axes
from caffe_lite.export.trials import trial_shapes, trials
from caffe_lite.nets.net import Net
from tests.export.layer_nets import definition

IMAGES = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 9 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "whole" type: "Pooling" bottom: "conv" top: "whole"
        pooling_param { pool: AVE global_pooling: true } }
layer { name: "fc" type: "InnerProduct" bottom: "whole" top: "fc"
        inner_product_param { num_output: 5 } }"""
OVER_TIME = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 2 dim: 3 } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 2 dim: 2 } } }
layer { name: "still" type: "Input" top: "still" input_param { shape { dim: 2 dim: 7 } } }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" bottom: "still" top: "h"
        recurrent_param { num_output: 5 } }"""


def found(text):
    net = Net(definition(text), 1, seed=0)
    before = {name: blob.shape for name, blob in net.blobs.items()}
    axes = free_axes(net)
    assert {name: blob.shape for name, blob in net.blobs.items()} == before
    return net, {axis.name: axis for axis in axes}


def test_batch_and_sides_of_images():
    net, axes = found(IMAGES)
    assert list(axes) == ["N", "H", "W"]
    assert axes["N"].members == (("x", 0),) and axes["N"].sizes == (3, 34, 4)
    assert ("fc", 0) in axes["N"].moved
    assert axes["H"].moved == {("x", 2), ("conv", 2)}
    assert trial_shapes(net, list(axes.values())) == [
        {"x": (2, 3, 8, 9)},
        {"x": (3, 3, 8, 9)},
        {"x": (3, 3, 9, 10)},
    ]


def test_a_net_that_fixes_the_image():
    net, axes = found(IMAGES.replace("pool: AVE global_pooling: true", "kernel_size: 2"))
    assert list(axes) == ["N"]
    assert [shape["x"][0] for shape in trial_shapes(net, list(axes.values()))] == [2, 3, 1]


def test_steps_and_streams_of_one_size_are_told_apart():
    net, axes = found(OVER_TIME)
    assert {name: set(axis.members) for name, axis in axes.items()} == {
        "T": {("x", 0), ("cont", 0)},
        "N": {("x", 1), ("cont", 1), ("still", 0)},
    }
    own, other, both = trials(net, list(axes.values()))
    assert other["x"].shape == (3, 2, 3) and both["x"].shape == (3, 3, 3)
    assert set(both["cont"].ravel()) == {0, 1} and not both["cont"][0].any()
    (first, *_) = trials(net, (), one_sequence=True)
    assert first["cont"][1:].all() and not first["cont"][0].any()


def test_axes_that_the_data_decide():
    text = """
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 } } }
    layer { name: "keep" type: "Input" top: "keep" input_param { shape { dim: 4 } } }
    layer { name: "filter" type: "Filter" bottom: "x" bottom: "keep" top: "y" }
    layer { name: "fc" type: "InnerProduct" bottom: "y" top: "fc"
            inner_product_param { num_output: 5 } }"""
    net, axes = found(text)
    assert axes["N"].members == (("x", 0), ("keep", 0))
    assert varying_axes(net) == {("y", 0), ("fc", 0)}
