"""`caffe.proto.caffe_pb2`: the schema's messages and enums under the names of generated code.

They live in a descriptor pool of their own, so that another package's caffe.proto does not clash
with them; google.protobuf's text_format and json_format take them as any others.
"""

from typing import Any

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from caffe_lite.errors import did_you_mean
from caffe_lite.proto import schema
from caffe_lite.pycaffe.errors import UnknownNameError

DESCRIPTOR = schema.DESCRIPTOR

_names: dict[str, Any] = {
    name: getattr(schema, name) for name in schema.DESCRIPTOR.message_types_by_name
}
for _name, _enum in schema.DESCRIPTOR.enum_types_by_name.items():
    _names[_name] = EnumTypeWrapper(_enum)
    _names.update({value.name: value.number for value in _enum.values})
globals().update(_names)


def __getattr__(name: str) -> Any:
    raise UnknownNameError(f'caffe_pb2 has no "{name}"{did_you_mean(name, _names)}')


def __dir__() -> list[str]:
    return sorted({*globals(), *_names})
