"""The language of .proto files that forks and plugins extend the schema with."""

import re

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from caffe_lite.errors import PrototxtError
from caffe_lite.proto.proto_source import parse_fields, parse_proto

SOURCE = """
syntax = "proto2";  // stepped over
package caffe;
/* A message
   with everything. */
message Boxes {
  enum Code { CORNER = 1; CENTER_SIZE = 2; }
  message Side { required double length = 1; }
  optional Code code = 1 [default = CORNER];
  repeated float variance = 2 [packed = true];
  optional string name = 3 [default = "a;b"];
  optional bool clip = 4 [default = False, deprecated = true];
  repeated Side side = 0x10;
  optional int32 offset = 6 [default = -1];
  reserved 7, 8;
}
enum Kind { ONE = 1; MINUS = -3; }
extend LayerParameter { optional Boxes boxes_param = 202; }
"""


def test_everything_that_the_language_has():
    file = parse_proto(SOURCE, "boxes.proto")
    boxes, layer = file.message_type
    assert (boxes.name, layer.name) == ("Boxes", "LayerParameter")
    code, variance, name, clip, side, offset = boxes.field
    assert (code.type_name, code.default_value) == ("Code", "CORNER")
    assert variance.label == FieldDescriptorProto.LABEL_REPEATED and variance.options.packed
    assert name.default_value == "a;b"
    assert clip.default_value == "false" and clip.options.deprecated
    assert (side.type_name, side.number) == ("Side", 16)
    assert offset.default_value == "-1"
    assert boxes.nested_type[0].field[0].label == FieldDescriptorProto.LABEL_REQUIRED
    assert {value.name: value.number for value in boxes.enum_type[0].value} == {
        "CORNER": 1,
        "CENTER_SIZE": 2,
    }
    assert file.enum_type[0].value[1].number == -3
    assert (layer.field[0].name, layer.field[0].number) == ("boxes_param", 202)


def test_the_body_of_one_message():
    (message,) = parse_fields("repeated uint32 order = 1;  // a comment", "P", "p").message_type
    assert (message.name, message.field[0].name) == ("P", "order")


@pytest.mark.parametrize(
    "source, error",
    [
        ("message {", 'x.proto:1:9: expected the name of a message, got "{"'),
        ("message A {\n  optional int32 = 1;\n}", "x.proto:2:18: expected the name of a field"),
        ("message A { optional int32 a = b; }", 'expected a number, got "b"'),
        ("message A { optional int32 a = 1 }", 'expected ";", got "}"'),
        ("message A { int32 a = 1; }", "expected optional, required, repeated, message or enum"),
        ("message A { optional int32 a = 1;", 'got "the end"'),
        ("service A { }", 'expected message, enum or extend, got "service"'),
        ("message A { optional int32 a = 1; } §", "unexpected '§'"),
        ("enum A { ONE = ; }", 'expected a number, got ";"'),
    ],
)
def test_errors_have_a_place(source, error):
    with pytest.raises(PrototxtError, match=re.escape(error)):
        parse_proto(source, "x.proto")
