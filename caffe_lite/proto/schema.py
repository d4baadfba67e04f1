"""The schema's message classes and enum values: `schema.NetParameter`, `schema.TRAIN`.

They are built from the shipped descriptor `caffe.desc` in a descriptor pool of their own, so that
neither the installed protobuf's version nor another `caffe.proto` in the process (an installed
pycaffe, say) can clash with them. `proto/caffe.proto` says what each field means.
"""

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool, message_factory

from caffe_lite.errors import did_you_mean

_REQUIRED, _REPEATED = 2, 3  # as descriptor.proto numbers its labels
_pool = descriptor_pool.DescriptorPool()
DESCRIPTOR = _pool.AddSerializedFile(Path(__file__).with_name("caffe.desc").read_bytes())


def is_repeated(field: Any) -> bool:
    """Whether `field` is repeated, under any protobuf: version 6.31 replaced `label`."""
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == _REPEATED


def is_required(field: Any) -> bool:
    """Whether `field` is required, under any protobuf: version 6.31 replaced `label`."""
    return field.is_required if hasattr(field, "is_required") else field.label == _REQUIRED


def _public_names() -> dict[str, Any]:
    names: dict[str, Any] = {}
    for name, message in DESCRIPTOR.message_types_by_name.items():
        names[name] = message_factory.GetMessageClass(message)
        names[name].__module__ = __name__  # pickle looks the class up by this name
    for enum in DESCRIPTOR.enum_types_by_name.values():
        names.update({value.name: value.number for value in enum.values})
    return names


globals().update(_public_names())


def __getattr__(name: str) -> Any:
    known = [*DESCRIPTOR.message_types_by_name, "TRAIN", "TEST"]
    raise AttributeError(f'the schema has no message "{name}"{did_you_mean(name, known)}')
