"""Fields of forks of Caffe that prototxts still use and that the schema lacks.

A message carries them as unknown fields under numbers that the schema leaves free, so that
copying, comparing and serializing keep them and the schema stays as it is. `fork_field` reads them.
"""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

_BOOL, _UINT32 = FieldDescriptor.TYPE_BOOL, FieldDescriptor.TYPE_UINT32

# message: field: (number, type, default). LRCN's branch (lstm_video_deploy) has all of these; its
# number for `flow`, 6, is BVLC's force_color, so that this one lives under a number of our own.
_FIELDS = {
    "caffe.TransformationParameter": {"flow": (100_006, _BOOL, "false")},
    "caffe.ImageDataParameter": {
        "min_height": (13, _UINT32, "0"),
        "min_width": (14, _UINT32, "0"),
    },
}


@cache
def _extra_class(message: str) -> Any:
    """A message class that has only the fork's fields of `message`."""
    file = descriptor_pb2.FileDescriptorProto(name=f"forks/{message}.proto", package="forks")
    name_in_file = message.rpartition(".")[2]
    extra = file.message_type.add(name=name_in_file)
    for field, (number, kind, default) in _FIELDS[message].items():
        extra.field.add(
            name=field,
            number=number,
            type=kind,
            default_value=default,
            label=FieldDescriptor.LABEL_OPTIONAL,
        )
    pool = descriptor_pool.DescriptorPool()
    described = pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(described.message_types_by_name[name_in_file])


def fork_fields(descriptor: Descriptor) -> list[FieldDescriptor]:
    """The forks' fields of the schema's message that `descriptor` describes."""
    if descriptor.full_name not in _FIELDS:
        return []
    return list(_extra_class(descriptor.full_name).DESCRIPTOR.fields)


def extras(message: Any) -> Any:
    """A message of the fork's fields alone, as `message` carries them; None if it can have none."""
    name = message.DESCRIPTOR.full_name
    if name not in _FIELDS:
        return None
    extra = _extra_class(name).FromString(message.SerializePartialToString())
    extra.DiscardUnknownFields()
    return extra


def fork_field(message: Any, name: str) -> Any:
    """The value of the fork's field `name` in `message`, or its default.

    fork_field(layer.transform_param, "flow")
    """
    return getattr(extras(message), name)


def set_fork_field(message: Any, name: str, value: Any) -> None:
    """Give the fork's field `name` a value in `message`; the last one given counts."""
    extra = _extra_class(message.DESCRIPTOR.full_name)(**{name: value})
    message.MergeFromString(extra.SerializeToString())
