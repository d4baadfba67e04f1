"""Forks' spellings rewritten as Caffe 1.0 writes them; hints taken, other fields refused."""

import logging

import numpy as np
import pytest

from caffe_lite.errors import LayerError, ModelError, SolverError
from caffe_lite.forks.translate import translate, translate_layer
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from caffe_lite.solvers import get_solver
from caffe_lite.testing import make_layer

INPUT = """layer { name: "in" type: "Input" top: "x"
                   input_param { shape { dim: 1 dim: 1 dim: 65 dim: 65 } } }"""
POOL = """layer { name: "p" type: "Pooling" bottom: "x" top: "y"
                  pooling_param { kernel_size: 2 stride: 2 %s } }"""


def layer(written):
    param = text.parse(written, schema.LayerParameter)
    translate_layer(param)
    return param


@pytest.mark.parametrize(
    "written, size",
    [
        ("", 33),
        ("ceil_mode: true", 33),
        ("ceil_mode: false", 32),
        ("torch_pooling: true", 32),
        ("torch_pooling: false", 33),
    ],
)
def test_fields_that_decide_the_size_of_pooling(written, size):
    net = Net(text.parse(INPUT + POOL % written, schema.NetParameter))
    assert net.blobs["y"].shape == (1, 1, size, size)


def test_translation_leaves_the_given_net_alone():
    net = text.parse(INPUT + POOL % "ceil_mode: false", schema.NetParameter)
    before = net.SerializeToString()
    pooling = translate(net).layer[1].pooling_param
    assert pooling.round_mode == schema.PoolingParameter.FLOOR
    assert not pooling.HasField("ceil_mode")
    assert net.SerializeToString() == before


@pytest.mark.parametrize(
    "written, sides",
    [
        ("dilation_h: 2 dilation_w: 3", [2, 3]),
        ("dilation_h: 2", [2, 1]),
        ("hole: 12", [12]),
        ("hole_h: 2 hole_w: 3", [2, 3]),
        ("hole: 4 hole_w: 3", [4, 3]),
        ("dilation: 4 dilation_w: 3", [4, 3]),
    ],
)
def test_dilation_by_side(written, sides):
    param = layer(f'type: "Convolution" convolution_param {{ {written} }}').convolution_param
    assert list(param.dilation) == sides
    assert not any(name in str(param) for name in ("dilation_", "hole"))


def test_penalties_of_pruning_matter_to_training_alone():
    definition = """type: "InnerProduct" param { lr_mult: 1 force_mult: 0.5 }
                    inner_product_param { num_output: 2 } """
    x = np.ones((3, 4))
    assert make_layer(definition, [x], phase="TEST").forward()[0].shape == (3, 2)
    with pytest.raises(LayerError, match=r"param.force_mult is a field of a fork"):
        make_layer(definition, [x])


@pytest.mark.parametrize("color", ["true", "false"])
def test_images_in_color(color):
    param = layer(f'type: "ImageData" image_data_param {{ images_in_color: {color} }}')
    assert param.image_data_param.is_color == (color == "true")
    assert not param.image_data_param.HasField("images_in_color")


def test_dilation_by_side_convolves_as_dilation_does():
    x = np.random.default_rng(1).normal(size=(2, 3, 9, 8))
    conv = 'type: "Convolution" convolution_param { num_output: 4 kernel_size: 3 %s %s }'
    filler = 'weight_filler { type: "gaussian" }'
    ours, forks = (
        make_layer(conv % (filler, sides), [x], seed=2).forward()[0]
        for sides in ("dilation: 2 dilation: 1", "dilation_h: 2 dilation_w: 1")
    )
    np.testing.assert_array_equal(ours, forks)


def test_hints_are_accepted_and_logged(caplog):
    net = "default_forward_type: FLOAT16 mem_param { optimize_train: true } " + INPUT + POOL % ""
    with caplog.at_level(logging.INFO, "caffe_lite"):
        Net(text.parse(net, schema.NetParameter))
        make_layer(
            'type: "Convolution" forward_type: FLOAT16 convolution_param { num_output: 1 '
            'kernel_size: 1 engine: MKL2017 conv_algos_override: "1,1,1" }',
            [np.ones((1, 1, 2, 2))],
        )
    told = [record.getMessage() for record in caplog.records]
    for hint in (
        'net "": default_forward_type is a hint that changes nothing here',
        'net "": mem_param is a hint that changes nothing here',
        'layer "layer": forward_type is a hint that changes nothing here',
        'layer "layer": convolution_param.conv_algos_override is a hint that changes nothing here',
    ):
        assert told.count(hint) == 1, hint


def test_other_fields_of_forks_are_refused(own_schema):
    from caffe_lite.proto.proto_source import parse_proto

    own_schema.extend(
        parse_proto(
            "extend NetParameter { optional bool tests_mode = 1; }"
            "extend SolverParameter { optional bool tests_mode = 1; }"
            "extend FillerParameter { optional float tests_scale = 1; }",
            "tests",
        )
    )
    with pytest.raises(ModelError, match='^net "n": tests_mode is a field of a fork of Caffe that'):
        Net(text.parse('name: "n" tests_mode: false ' + INPUT, schema.NetParameter))
    solver = text.parse(
        'net_param { } base_lr: 1 lr_policy: "fixed" tests_mode: true', schema.SolverParameter
    )
    with pytest.raises(SolverError, match="^solver: tests_mode is a field of a fork of Caffe"):
        get_solver(solver)
    filler = "inner_product_param { num_output: 1 weight_filler { tests_scale: 1 } }"
    with pytest.raises(
        LayerError, match="inner_product_param.weight_filler.tests_scale is a field"
    ):
        make_layer(f'type: "InnerProduct" {filler}', [np.ones((2, 3))])


RECTIFIED = [
    (
        "Convolution",
        "convolution_param { num_output: 3 kernel_size: 2 weight_filler { std: 1 type: "
        '"gaussian" } %s }',
    ),
    (
        "InnerProduct",
        'inner_product_param { num_output: 7 weight_filler { std: 1 type: "gaussian" } %s }',
    ),
]


@pytest.mark.parametrize("kind, param", RECTIFIED)
@pytest.mark.parametrize(
    "fields, slope", [("relu: true", 0), ("relu: true negative_slope: 0.25", 0.25)]
)
def test_a_relu_inside_is_a_layer_behind(kind, param, fields, slope):
    text_of = f'layer {{ name: "l" type: "{kind}" bottom: "x" top: "y" {param} }}'
    taken = 'layer { name: "l_relu" type: "Power" bottom: "y" top: "z" }'
    net = Net(text.parse(INPUT + text_of % fields + taken, schema.NetParameter), seed=1)
    without = INPUT + text_of % "relu: false negative_slope: 3"
    plain = Net(text.parse(without, schema.NetParameter), seed=1)
    assert [layer.type for layer in net.layers] == ["Input", kind, "ReLU", "Power"]
    assert [layer.name for layer in net.layers][1:] == ["l", "l_relu_", "l_relu"]
    assert [layer.type for layer in plain.layers] == ["Input", kind]
    x = np.random.default_rng(1).normal(size=net.blobs["x"].shape)
    for each in (net, plain):
        each.blobs["x"].data[...] = x
        each.params["l"][0].data[...] = plain.params["l"][0].data
        each.forward()
    y = plain.blobs["y"].data
    assert (y < 0).any()
    np.testing.assert_allclose(net.blobs["z"].data, np.where(y > 0, y, slope * y), atol=1e-6)


def test_a_pooling_that_is_fused_with_an_lrn():
    fused = """layer { name: "norm" type: "LRN" bottom: "x" top: "pool" lrn_param { local_size: 3
               fuse_type: FUSED_POOL_MAX pooling_param { kernel_size: 2 stride: 2 } } }"""
    net = translate(text.parse(INPUT + fused, schema.NetParameter))
    assert [(each.type, list(each.top)) for each in net.layer[-2:]] == [
        ("LRN", ["norm_fused"]),
        ("Pooling", ["pool"]),
    ]
    assert net.layer[-1].pooling_param.kernel_size == 2


def test_a_relu_that_is_fused_with_a_convolution():
    fused = """layer { name: "c" type: "Convolution" bottom: "x" top: "c"
               convolution_param { num_output: 2 kernel_size: 1 fuse_type: %s } }"""
    net = translate(text.parse(INPUT + fused % "FUSED_CONV_RELU", schema.NetParameter))
    assert [each.type for each in net.layer[-2:]] == ["Convolution", "ReLU"]
    with pytest.raises(LayerError, match=r"convolution_param.fuse_type is a field of a fork"):
        Net(text.parse(INPUT + fused % "FUSED_CONV_ELTWISE_RELU", schema.NetParameter))


def test_a_message_of_another_type_has_no_effect(caplog):
    definition = """type: "InnerProduct" inner_product_param { num_output: 2 }
                    inner_distance_param { distance_type: "L2" }"""
    assert make_layer(definition, [np.ones((3, 4))]).forward()[0].shape == (3, 2)
    assert "inner_distance_param has no effect on a InnerProduct" in caplog.text
