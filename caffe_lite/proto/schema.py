"""The schema's message classes and enum values: `schema.NetParameter`, `schema.TRAIN`.

`DESCRIPTOR` is BVLC Caffe 1.0's schema, from the shipped `caffe.desc`. The classes have its
messages with the same fields under the same numbers, and besides them what forks of Caffe
(`forks.desc`) and plugins (`extend`) add. They live in a descriptor pool of their own, so that
neither the installed protobuf's version nor another `caffe.proto` in the process (an installed
pycaffe, say) can clash with them. `proto/*.proto` says what each field means.
"""

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from caffe_lite.errors import PrototxtError, did_you_mean
from caffe_lite.plugins import LAYER_GROUP, load_all
from caffe_lite.proto.merge import merge
from caffe_lite.trust import is_trusted

_REQUIRED, _REPEATED = 2, 3  # as descriptor.proto numbers its labels
_HERE = Path(__file__).parent
_BASE = (_HERE / "caffe.desc").read_bytes()
DESCRIPTOR: FileDescriptor = descriptor_pool.DescriptorPool().AddSerializedFile(_BASE)

_additions = [FileDescriptorProto.FromString((_HERE / "forks.desc").read_bytes())]
_current = DESCRIPTOR


class SchemaGrown(Exception):  # noqa: N818 -- a signal, not an error
    """Plugins have extended the schema: messages of the old classes lack their fields."""


def is_repeated(field: Any) -> bool:
    """Whether `field` is repeated, under any protobuf: version 6.31 replaced `label`."""
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == _REPEATED


def is_required(field: Any) -> bool:
    """Whether `field` is required, under any protobuf: version 6.31 replaced `label`."""
    return field.is_required if hasattr(field, "is_required") else field.label == _REQUIRED


def descriptor() -> FileDescriptor:
    """The schema as it is now: BVLC's, the forks' and the plugins'."""
    return _current


def extend(addition: FileDescriptorProto) -> None:
    """Add messages, fields and enums (`proto_source.parse_proto`) to the schema.

    The message classes are rebuilt if anything is added; `current` turns messages made before
    into messages of the new classes. Raises PrototxtError where a name is taken by something else
    or a type is unknown, and leaves the schema as it was.
    """
    if all(addition.SerializeToString() != known.SerializeToString() for known in _additions):
        _publish([*_additions, addition])
        _additions.append(addition)


def newest(message_class: Any) -> Any:
    """The class that has taken the place of a message class since the schema has grown."""
    return globals().get(message_class.DESCRIPTOR.name, message_class)


def current(message: Any) -> Any:
    """`message`, or its copy in the newest class where the schema has grown since it was made."""
    cls = newest(type(message))
    if isinstance(message, cls):
        return message
    return cls.FromString(message.SerializePartialToString())


def load_plugins() -> tuple[str, ...]:
    """Import the installed layers, which may bring fields of their own.

    Returns a line for each that failed. Raises SchemaGrown if the schema has new fields now.
    """
    before = _current
    failures = load_all(LAYER_GROUP, is_trusted())
    if _current is not before:
        raise SchemaGrown
    return failures


def _publish(additions: list[FileDescriptorProto]) -> None:
    """Build the classes of BVLC's schema with these additions, and put them into this module."""
    merged = merge(FileDescriptorProto.FromString(_BASE), additions)
    pool = descriptor_pool.DescriptorPool()
    try:
        file = pool.AddSerializedFile(merged.SerializeToString())
    except TypeError as error:  # names the field and what is wrong with it
        reason = " ".join(str(error).split())
        raise PrototxtError(
            f"cannot be added to the schema: {reason}", additions[-1].name
        ) from error
    names: dict[str, Any] = {"_current": file}
    for name, message in file.message_types_by_name.items():
        names[name] = message_factory.GetMessageClass(message)
        names[name].__module__ = __name__  # pickle looks the class up by this name
    for enum in file.enum_types_by_name.values():
        names.update({value.name: value.number for value in enum.values})
    globals().update(names)


_publish(_additions)


def __getattr__(name: str) -> Any:
    known = [*_current.message_types_by_name, "TRAIN", "TEST"]
    raise AttributeError(f'the schema has no message "{name}"{did_you_mean(name, known)}')
