"""V1 layers: every type of the enum, every parameter message, and the lists per blob."""

import pytest

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import schema, text
from caffe_lite.proto.upgrade import upgrade_net

TYPES = """
NONE=  ABSVAL=AbsVal ACCURACY=Accuracy ARGMAX=ArgMax BNLL=BNLL CONCAT=Concat
CONTRASTIVE_LOSS=ContrastiveLoss CONVOLUTION=Convolution DATA=Data DECONVOLUTION=Deconvolution
DROPOUT=Dropout DUMMY_DATA=DummyData EUCLIDEAN_LOSS=EuclideanLoss ELTWISE=Eltwise EXP=Exp
FLATTEN=Flatten HDF5_DATA=HDF5Data HDF5_OUTPUT=HDF5Output HINGE_LOSS=HingeLoss IM2COL=Im2col
IMAGE_DATA=ImageData INFOGAIN_LOSS=InfogainLoss INNER_PRODUCT=InnerProduct LRN=LRN
MEMORY_DATA=MemoryData MULTINOMIAL_LOGISTIC_LOSS=MultinomialLogisticLoss MVN=MVN POOLING=Pooling
POWER=Power RELU=ReLU SIGMOID=Sigmoid SIGMOID_CROSS_ENTROPY_LOSS=SigmoidCrossEntropyLoss
SILENCE=Silence SOFTMAX=Softmax SOFTMAX_LOSS=SoftmaxWithLoss SPLIT=Split SLICE=Slice TANH=TanH
WINDOW_DATA=WindowData THRESHOLD=Threshold
"""
PAIRS = [pair.split("=") for pair in TYPES.split()]
PARAMS = [
    field.name
    for field in schema.V1LayerParameter.DESCRIPTOR.fields
    if field.name.endswith("_param")
]


def upgraded_layer(source: str):
    net = text.parse(f"layers {{ {source} }}", schema.NetParameter)
    (layer,) = upgrade_net(net, "f").layer
    return layer


def layer(source: str):
    return text.parse(source, schema.LayerParameter)


def test_the_table_is_the_whole_enum():
    caffe = schema.DESCRIPTOR.message_types_by_name["V1LayerParameter"]
    names = [value.name for value in caffe.enum_types_by_name["LayerType"].values]
    assert sorted(old for old, _ in PAIRS) == sorted(names)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_types(old, new):
    assert upgraded_layer(f"name: 'a' type: {old}") == layer(f"name: 'a' type: '{new}'")


def test_a_layer_without_type_or_name_stays_without():
    assert upgraded_layer("bottom: 'x'") == layer("bottom: 'x'")


@pytest.mark.parametrize("param", PARAMS)
def test_parameters_are_copied(param):
    old = schema.V1LayerParameter()
    message = getattr(old, param)
    field = next(field for field in message.DESCRIPTOR.fields if not field.message_type)
    value = "v" if field.cpp_type == field.CPPTYPE_STRING else 1
    if field.enum_type is not None:
        value = field.enum_type.values[-1].number
    if isinstance(field.default_value, list):
        getattr(message, field.name).append(value)
    else:
        setattr(message, field.name, value)
    new = upgrade_net(schema.NetParameter(layers=[old])).layer[0]
    assert getattr(new, param) == message
    assert [field.name for field, _ in new.ListFields()] == [param]


def test_all_else_is_copied_in_order():
    source = """name: "a" bottom: ["x", "y"] top: ["z", "w"] include { phase: TEST min_level: 2 }
        include { stage: "s" } exclude { not_stage: "t" } blobs { num: 2 data: [1, 2] }
        blobs { shape { dim: 3 } } loss_weight: [0.5, 2]"""
    assert upgraded_layer(source) == layer(source)


def test_lists_per_blob_become_params():
    assert upgraded_layer(
        """param: ['w', 'b', 'c'] blob_share_mode: PERMISSIVE blobs_lr: [1, 2, 3, 4]
           weight_decay: 0.5"""
    ) == layer(
        """param { name: 'w' share_mode: PERMISSIVE lr_mult: 1 decay_mult: 0.5 }
           param { name: 'b' lr_mult: 2 } param { name: 'c' lr_mult: 3 } param { lr_mult: 4 }"""
    )
    assert upgraded_layer("blob_share_mode: [STRICT, PERMISSIVE]") == layer(
        "param { share_mode: STRICT } param { share_mode: PERMISSIVE }"
    )
    assert upgraded_layer("weight_decay: [1, 0]") == layer(
        "param { decay_mult: 1 } param { decay_mult: 0 }"
    )


def test_the_net_around_the_layers_is_kept():
    source = "name: 'n' force_backward: true debug_info: true state { level: 3 stage: 's' }"
    net = text.parse(source + " layers { name: 'a' }", schema.NetParameter)
    expected = text.parse(source + " layer { name: 'a' }", schema.NetParameter)
    assert upgrade_net(net) == expected


def test_layer_and_layers_in_one_net():
    net = text.parse("layer { } layers { }", schema.NetParameter)
    with pytest.raises(PrototxtError, match='^f: the net holds both "layer" and the old "layers"'):
        upgrade_net(net, "f")


def test_types_of_c3d_in_the_old_form():
    net = text.parse(
        """layers { name: "d" type: VIDEO_DATA top: "x" top: "y" strict_dim: false
                    image_data_param { source: "clips" new_length: 16 } }
           layers { name: "e" type: VIDEO_SEGMENTATION_DATA top: "z" }""",
        schema.NetParameter,
    )
    layers = upgrade_net(net).layer
    assert [layer.type for layer in layers] == ["VideoData", "VideoSegmentationData"]
    assert layers[0].image_data_param.new_length == 16
