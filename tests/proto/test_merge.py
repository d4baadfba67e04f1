"""Forks' and plugins' messages and fields beside those of Caffe's schema."""

import re

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import schema, text
from caffe_lite.proto.additions import additions, field_at, has_field
from caffe_lite.proto.merge import FIRST_OWN_NUMBER, is_addition, merge
from caffe_lite.proto.proto_source import parse_proto

BASE = parse_proto("message Layer { optional string name = 1; } enum Phase { TRAIN = 0; }")


def numbers(file: FileDescriptorProto, message: str) -> dict[str, int]:
    (found,) = (each for each in file.message_type if each.name == message)
    return {field.name: field.number for field in found.field}


def test_fields_that_join_a_message_of_the_base_get_numbers_of_ours():
    one = parse_proto("extend Layer { optional int32 size = 1; }", "one")
    other = parse_proto("extend Layer { optional float scale = 1; }", "other")
    found = numbers(merge(BASE, [one, other]), "Layer")
    assert found["name"] == 1
    assert found["size"] >= FIRST_OWN_NUMBER and found["scale"] >= FIRST_OWN_NUMBER
    assert numbers(merge(BASE, [other, one]), "Layer") == found, "whatever the order"


def test_new_messages_keep_their_numbers_where_they_are_free():
    one = parse_proto("message Box { optional float x = 1; optional float y = 2; }", "one")
    other = parse_proto("message Box { optional float x = 1; optional int32 id = 2; }", "other")
    found = numbers(merge(BASE, [one, other]), "Box")
    assert (found["x"], found["y"]) == (1, 2)
    assert found["id"] >= FIRST_OWN_NUMBER


def test_enums_are_joined():
    more = parse_proto("enum Phase { TEST = 1; WARM = 0; }", "more")
    (phase,) = merge(BASE, [more]).enum_type
    values = {value.name: value.number for value in phase.value}
    assert (values["TRAIN"], values["TEST"]) == (0, 1)
    assert values["WARM"] >= FIRST_OWN_NUMBER


def test_two_types_under_one_name_are_refused():
    one = parse_proto("message Box { optional float x = 1; }", "one.proto")
    for kind in ("optional int32", "repeated float"):
        other = parse_proto(f"message Box {{ {kind} x = 1; }}", "other.proto")
        with pytest.raises(PrototxtError, match="other.proto: Box.x has another type or label"):
            merge(BASE, [one, other])


def test_caffes_own_fields_stay_as_they_are():
    for message in schema.DESCRIPTOR.message_types_by_name.values():
        current = schema.descriptor().message_types_by_name[message.name]
        for field in message.fields:
            same = current.fields_by_name[field.name]
            assert (same.number, same.type, same.default_value) == (
                field.number,
                field.type,
                field.default_value,
            ), field.full_name
        added = [field for field in current.fields if field.name not in message.fields_by_name]
        assert all(is_addition(field) for field in added), message.name


def test_the_schema_grows_and_older_messages_go_along(own_schema):
    old = text.parse('name: "a" type: "TestsGrow"', schema.LayerParameter)
    addition = "message TestsGrow { repeated uint32 order = 1; }"
    addition += "extend LayerParameter { optional TestsGrow tests_grow_param = 1; }"
    schema.extend(parse_proto(addition, "grow"))
    schema.extend(parse_proto(addition, "grow"))  # twice is once
    assert schema.newest(type(old)) is schema.LayerParameter is not type(old)
    assert schema.current(old) == schema.LayerParameter(name="a", type="TestsGrow")
    new = text.parse("tests_grow_param { order: 2 order: 0 }", type(old))
    assert new.tests_grow_param.order == [2, 0]
    assert schema.current(new) is new
    again = schema.LayerParameter.FromString(new.SerializeToString())
    assert again == new and text.format(new).startswith("tests_grow_param {")


def test_an_addition_that_does_not_fit_leaves_the_schema_as_it_was(own_schema):
    before = schema.descriptor()
    with pytest.raises(PrototxtError, match="^bad: cannot be added to the schema: .*Missing"):
        schema.extend(parse_proto("message TestsBad { optional Missing a = 1; }", "bad"))
    assert schema.descriptor() is before
    schema.extend(parse_proto("message TestsGood { optional int32 a = 1; }", "good"))
    assert schema.TestsGood(a=3).a == 3


def test_which_fields_of_forks_a_definition_sets():
    layer = text.parse(
        'transform_param { flow: true scale: 2 } param { name: "w" } blobs { data: 1 }',
        schema.LayerParameter,
    )
    assert additions(layer) == ["transform_param.flow"]
    assert has_field(layer, "transform_param.flow") and has_field(layer, "param")
    for path in ("image_data_param.min_width", "transform_param.mirror", "none_param.x", "top"):
        assert not has_field(layer, path), path
    assert re.fullmatch("flow", field_at(layer, "transform_param.flow").name)
