"""caffe_lite/types.py describes the messages of the schema as they are."""

import pytest

from caffe_lite import types
from caffe_lite.proto import schema

MESSAGES = [
    "FillerParameter",
    "ParamSpec",
    "NetState",
    "NetStateRule",
    "LayerParameter",
    "NetParameter",
    "SolverParameter",
]
# By protobuf's numbers of the field types: float, int64, int32, bool, string, enum
SCALARS = {2: "float", 3: "int", 5: "int", 8: "bool", 9: "str", 14: "int"}


def described(field):
    """The annotation that a field of the schema calls for."""
    if field.message_type is None:
        single, container = SCALARS[field.type], "MutableSequence"
    else:
        single, container = field.message_type.name, "Repeated"
    return f"{container}[{single}]" if schema.is_repeated(field) else single


@pytest.mark.parametrize("name", MESSAGES)
def test_fields_are_those_of_the_schema(name):
    fields = getattr(schema, name).DESCRIPTOR.fields_by_name
    annotations = getattr(types, name).__annotations__
    assert annotations, f"{name} describes no field"
    for field, annotation in annotations.items():
        assert field in fields, f"the schema's {name} has no field {field}"
        if annotation != "Repeated[Any]":
            assert annotation == described(fields[field]), f"{name}.{field}"


def test_nothing_is_imported_at_run_time():
    assert "numpy" not in vars(types), "proto uses these types and must not load NumPy"
