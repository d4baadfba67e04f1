"""Forks' dialects in text: repeated fields, old types, and errors that name the fork."""

import pytest

from caffe_lite.errors import PrototxtError
from caffe_lite.layers.registry import CAFFE
from caffe_lite.proto import hints, schema, text
from caffe_lite.proto.upgrade import upgrade_net


@pytest.mark.parametrize(
    "written, one, several",
    [
        ("device_id: 3", 3, []),
        ("device_id: [0, 2]", 0, [0, 2]),
        ("device_id: [5]", 5, []),
        ("device_id: 1 device_id: 3 device_id: 0", 0, [1, 3, 0]),
    ],
)
def test_a_field_that_a_fork_repeats(written, one, several):
    param = text.parse(written, schema.SolverParameter)
    assert (param.device_id, list(param.device_id__list)) == (one, several)
    assert param.HasField("device_id") != bool(several)
    again = text.parse(text.format(param), schema.SolverParameter)
    assert again == param
    assert "__list" not in text.format(param)


def test_a_field_that_nobody_repeats_is_given_once():
    with pytest.raises(PrototxtError, match='"max_iter" is given twice in SolverParameter'):
        text.parse("max_iter: 1 max_iter: 2", schema.SolverParameter)
    with pytest.raises(PrototxtError, match='^<string>:1:11: expected ":" after "device_id", got'):
        text.parse("device_id [1]", schema.SolverParameter)


@pytest.mark.parametrize(
    "old, new",
    [("BN", "BN"), ("UNPOOLING", "Unpooling"), ("CROP", "Crop"), ("ROI_POOLING", "ROIPooling")],
)
def test_types_that_forks_added_to_the_old_layers(old, new):
    net = text.parse(f'layers {{ name: "a" type: {old} }}', schema.NetParameter)
    assert upgrade_net(net).layer[0].type == new


@pytest.mark.parametrize(
    "written, error",
    [
        ("layer { dense_crf_param { } }", "it belongs to hszhao/PSPNet, DeepLab v2"),
        ("layer { fixed_param { } }", "it belongs to Xilinx/Vitis-AI, and is not supported here"),
    ],
)
def test_a_field_of_a_fork_is_named_as_that(written, error):
    with pytest.raises(PrototxtError, match=error) as raised:
        text.parse(written, schema.NetParameter)
    assert "did you mean" not in str(raised.value)


@pytest.mark.parametrize(
    "written, hint",
    [
        ("layer { convolution_pram { } }", "convolution_param"),
        ("layer { inner_prodcut_param { } }", "inner_product_param"),
        ("layer { pooling_param { stirde: 2 } }", "stride"),
        ("layer { convolution_param { num_ouput: 2 } }", "num_output"),
        ("layer { inlcude { } }", "include"),
    ],
)
def test_a_near_miss_of_a_known_name(written, hint):
    with pytest.raises(PrototxtError, match=f'did you mean "{hint}"'):
        text.parse(written, schema.NetParameter)


@pytest.mark.parametrize(
    "written",
    [
        "layer { reordering_param { } }",
        "layer { mask_pooling_param { } }",
        "layer { other_loss_param { } }",
        "layer { image_data_param { cash: true } }",
        "layer { zz_param { } }",
    ],
)
def test_names_that_are_merely_alike_are_no_hint(written):
    with pytest.raises(PrototxtError) as raised:
        text.parse(written, schema.NetParameter)
    assert "did you mean" not in str(raised.value)


def test_a_type_of_an_old_fork_is_named_as_that_forks():
    with pytest.raises(PrototxtError) as caught:
        text.parse("layers { type: RED_ACCURACY }", schema.NetParameter)
    assert '"type" has no value "RED_ACCURACY"; it belongs to DeconvNet' in str(caught.value)


def test_the_types_of_forks_are_none_of_caffes_own():
    types = hints.fork_types()
    assert "FlowWarp" in types and all(types.values())
    assert not types.keys() & set(CAFFE.types())
