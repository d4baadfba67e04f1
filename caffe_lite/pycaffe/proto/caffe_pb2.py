"""`caffe.proto.caffe_pb2`: the schema's messages and enums under the names of generated code.

The messages of forks, such as SSD's LabelMap, are there beside Caffe's own. They live in a
descriptor pool of their own, so that another package's caffe.proto does not clash with them;
google.protobuf's text_format and json_format take them as any others.
"""

from functools import cache
from typing import Any

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from caffe_lite.errors import did_you_mean
from caffe_lite.proto import schema
from caffe_lite.pycaffe.errors import UnknownNameError


@cache
def _names(file: FileDescriptor) -> dict[str, Any]:
    names: dict[str, Any] = {"DESCRIPTOR": file}
    names |= {name: getattr(schema, name) for name in file.message_types_by_name}
    for name, enum in file.enum_types_by_name.items():
        names[name] = EnumTypeWrapper(enum)
        names.update({value.name: value.number for value in enum.values})
    return names


def __getattr__(name: str) -> Any:
    names = _names(schema.descriptor())  # which plugins extend
    if name == "__all__":
        return list(names)
    if name not in names:
        raise UnknownNameError(f'caffe_pb2 has no "{name}"{did_you_mean(name, names)}')
    return names[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_names(schema.descriptor())})
