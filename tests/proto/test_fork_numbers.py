"""Binary definitions that forks wrote, with their own field numbers."""

import logging

import pytest
from google.protobuf import descriptor_pool, message_factory, text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from caffe_lite.proto import schema
from caffe_lite.proto.fork_numbers import fork_numberings, in_own_numbers
from caffe_lite.proto.load import load_net
from caffe_lite.proto.proto_source import parse_proto

# A little of each fork's schema, with the numbers that it has there.
HEAD = """
message NetParameter {
  optional string name = 1; repeated LayerParameter layer = 100;
}
message ConvolutionParameter { optional uint32 num_output = 1; repeated uint32 kernel_size = 4; }
message LayerParameter {
  optional string name = 1; optional string type = 2;
  repeated string bottom = 3; repeated string top = 4;
  optional ConvolutionParameter convolution_param = 106;
"""
SSD = """
  optional AnnotatedDataParameter annotated_data_param = 200;
  optional PermuteParameter permute_param = 202;
  optional PriorBoxParameter prior_box_param = 203;
  optional NormalizeParameter norm_param = 206;
}
message BatchSampler { optional uint32 max_sample = 4; optional uint32 max_trials = 5; }
message AnnotatedDataParameter {
  repeated BatchSampler batch_sampler = 1; optional string label_map_file = 2;
}
message PermuteParameter { repeated uint32 order = 1; }
message PriorBoxParameter {
  repeated float min_size = 1; optional bool flip = 4 [default = true]; optional float offset = 13;
}
message NormalizeParameter { optional bool across_spatial = 1; optional bool channel_shared = 3; }
"""
RFCN = """
  optional PSROIPoolingParameter psroi_pooling_param = 10001;
}
message PSROIPoolingParameter {
  required float spatial_scale = 1; required int32 output_dim = 2; required int32 group_size = 3;
}
"""
NVIDIA = """
  optional RecurrentParameter recurrent_param = 151;
  optional int32 forward_type = 145;
}
message RecurrentParameter { optional uint32 num_output = 1; }
"""
PSPNET = """
  optional InterpParameter interp_param = 143;
}
message InterpParameter { optional int32 height = 1; optional int32 width = 2; }
"""
UNKNOWN = """
  optional ConvolutionParameter somebodys_param = 7777777;
}
"""

CONVOLUTION = """name: "net" layer { name: "c" type: "Convolution" bottom: "x" top: "c"
  convolution_param { num_output: 3 kernel_size: 2 kernel_size: 5 } } """


def written(definition, text):
    """The bytes that a program with a fork's schema writes for a net."""
    file = FileDescriptorProto()
    file.CopyFrom(parse_proto(HEAD + definition, "fork.proto"))
    file.name, file.package, file.syntax = "fork.proto", "fork", "proto2"
    for message in file.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = ".fork." + field.type_name.rpartition(".")[2]
    pool = descriptor_pool.DescriptorPool()
    found = pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindFileByName("fork.proto") if found is None else found
    cls = message_factory.GetMessageClass(found.message_types_by_name["NetParameter"])
    return text_format.Parse(text, cls()).SerializeToString()


@pytest.fixture
def load(tmp_path, caplog):
    caplog.set_level(logging.INFO, "caffe_lite.proto")

    def run(definition, text):
        path = tmp_path / "net.binaryproto"
        path.write_bytes(written(definition, text))
        return load_net(path), caplog.text

    return run


CASES = [
    (
        SSD,
        """layer { name: "d" type: "AnnotatedData" top: "d" top: "l" annotated_data_param {
          batch_sampler { max_sample: 1 } batch_sampler { max_trials: 9 } label_map_file: "m" } }
        layer { name: "p" type: "Permute" bottom: "c" top: "p"
          permute_param { order: 0 order: 2 order: 3 order: 1 } }
        layer { name: "n" type: "Normalize" bottom: "p" top: "n"
          norm_param { across_spatial: false channel_shared: false } }
        layer { name: "b" type: "PriorBox" bottom: "n" top: "b"
          prior_box_param { min_size: 30 min_size: 60 flip: false offset: 0.25 } }""",
        "weiliu89/caffe",
    ),
    (
        RFCN,
        """layer { name: "p" type: "PSROIPooling" bottom: "c" bottom: "r" top: "p"
          psroi_pooling_param { spatial_scale: 0.0625 output_dim: 21 group_size: 7 } }""",
        "daijifeng001/caffe-rfcn",
    ),
    (
        NVIDIA,
        """layer { name: "l" type: "LSTM" bottom: "c" bottom: "m" top: "l" forward_type: 2
          recurrent_param { num_output: 6 } }""",
        "NVIDIA/caffe",
    ),
    (
        PSPNET,
        """layer { name: "i" type: "Interp" bottom: "c" top: "i"
          interp_param { height: 60 width: 61 } }""",
        "hszhao/PSPNet",
    ),
]


@pytest.mark.parametrize(("definition", "layers", "fork"), CASES)
def test_a_forks_binary_net_is_its_text(load, definition, layers, fork):
    """Among the numbers are some of Caffe's own: 143 is its input_param, 145 parameter_param."""
    net, log = load(definition, CONVOLUTION + layers)
    readable = layers.replace("forward_type: 2", "forward_type: FLOAT16")
    assert net == text_format.Parse(CONVOLUTION + readable, schema.NetParameter())
    assert "read with the field numbers of" in log and fork in log


@pytest.mark.parametrize("layers", ["", 'layer { name: "s" type: "Silence" bottom: "c" }'])
def test_caffes_own_net_stays(load, layers):
    net, log = load(SSD, CONVOLUTION + layers)
    assert net.layer[0].convolution_param.kernel_size == [2, 5]
    assert log == ""
    data = written(SSD, CONVOLUTION)
    assert in_own_numbers(data, "net") is data


def test_what_this_schema_writes_is_read_as_it_is():
    net = schema.NetParameter()
    net.layer.add(name="p", type="Permute").permute_param.order.extend([0, 2, 1])
    net.layer.add(name="l", type="LSTM").recurrent_param.num_output = 3
    data = net.SerializeToString()
    assert in_own_numbers(data, "net") is data


def test_numbers_of_no_fork_are_noted(load):
    net, log = load(
        UNKNOWN,
        CONVOLUTION + 'layer { name: "x" type: "Somebodys" somebodys_param { num_output: 3 } }',
    )
    assert net.layer[1].type == "Somebodys"
    assert "fields are skipped, because LayerParameter has no field number 7777777" in log
    assert "no known fork has them" in log


def test_a_parameter_of_another_type_of_layer_is_no_reading(load):
    """SSD's 203 is happynear's triplet_loss_param: the type decides, and Tile fits neither."""
    net, log = load(
        SSD, CONVOLUTION + 'layer { name: "t" type: "Tile" prior_box_param { min_size: 3 } }'
    )
    assert not net.layer[1].HasField("prior_box_param")
    assert "fields are skipped" in log


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_damage_is_left_to_the_reader(cut):
    data = written(SSD, CONVOLUTION + CASES[0][1])[:-cut]
    assert in_own_numbers(data, "net") == data


def test_numbers_of_a_message_are_unique():
    for fork, messages in fork_numberings().items():
        for message, numbers in messages.items():
            assert len(set(numbers.values())) == len(numbers), f"{fork} {message}"
    assert fork_numberings()["weiliu89/caffe"]["LayerParameter"]["permute_param"] == 202
