"""The language of .proto files, as far as extensions of Caffe's schema need it.

Messages, enums and fields, nested to any depth, with labels, numbers and defaults, and

    extend LayerParameter { optional PermuteParameter permute_param = 202; }

for fields that join a message of the schema. `syntax`, `package` and `option` lines are stepped
over. Services, groups, maps, oneofs and imports have no use in a schema of Caffe's kind.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from caffe_lite.errors import PrototxtError

_TOKEN = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<word>[\w.+-]+)|(?P<mark>[{}=;\[\],])""",
    re.DOTALL,
)
_LABELS = {
    "optional": FieldDescriptorProto.LABEL_OPTIONAL,
    "required": FieldDescriptorProto.LABEL_REQUIRED,
    "repeated": FieldDescriptorProto.LABEL_REPEATED,
}
_SCALARS = {
    name: getattr(FieldDescriptorProto, f"TYPE_{name.upper()}")
    for name in (
        "double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 "
        "bool string bytes"
    ).split()
}


class _Token(NamedTuple):
    value: str
    start: int


def parse_proto(source: str, name: str = "extension.proto") -> FileDescriptorProto:
    """The messages and enums of a .proto text; `extend X` gives a message X of the added fields.

    Names of types are left as they are written, for `merge` to resolve. Raises PrototxtError with
    the line where the text is not of this language.
    """
    return _Reader(source, name).file()


def parse_fields(fields: str, message: str, name: str) -> FileDescriptorProto:
    """A file with only `message`, whose body is `fields`."""
    return parse_proto(f"message {message} {{ {fields}\n}}", name)


class _Reader:
    def __init__(self, source: str, name: str) -> None:
        self.source, self.name = source, name
        self.tokens = list(self._split())
        self.at = 0

    def _split(self) -> Iterator[_Token]:
        place = 0
        while place < len(self.source):
            match = _TOKEN.match(self.source, place)
            if match is None:
                raise self._error(f"unexpected {self.source[place]!r}", place)
            if match.lastgroup:
                yield _Token(match[0], place)
            place = match.end()
        yield _Token("", place)

    def _error(self, text: str, place: int | None = None) -> PrototxtError:
        place = self.tokens[self.at].start if place is None else place
        line = self.source.count("\n", 0, place) + 1
        return PrototxtError(text, self.name, line, place - self.source.rfind("\n", 0, place))

    def _next(self) -> str:
        value = self.tokens[self.at].value
        if value:
            self.at += 1
        return value

    def _peek(self) -> str:
        return self.tokens[self.at].value

    def _take(self, wanted: str) -> None:
        if self._peek() != wanted:
            raise self._error(f'expected "{wanted}", got "{self._peek() or "the end"}"')
        self.at += 1

    def _word(self, what: str) -> str:
        if not re.fullmatch(r"[A-Za-z_][\w.]*", self._peek()):
            raise self._error(f'expected {what}, got "{self._peek() or "the end"}"')
        return self._next()

    def _number(self) -> int:
        try:
            number = int(self._peek(), 0)
        except ValueError:
            raise self._error(f'expected a number, got "{self._peek() or "the end"}"') from None
        self.at += 1
        return number

    def file(self) -> FileDescriptorProto:
        file = FileDescriptorProto(name=self.name, package="caffe")
        while self._peek():
            word = self._peek()
            if word in ("message", "extend"):
                self.at += 1
                self._message(file.message_type.add(name=self._word("the name of a message")))
            elif word == "enum":
                self.at += 1
                self._enum(file.enum_type.add())
            elif word in ("syntax", "package", "option"):
                self._statement()
            else:
                raise self._error(f'expected message, enum or extend, got "{word}"')
        return file

    def _statement(self) -> None:
        while self._peek() not in ("", ";"):
            self.at += 1
        self._take(";")

    def _message(self, message: DescriptorProto) -> None:
        self._take("{")
        while self._peek() != "}":
            word = self._peek()
            if word in _LABELS:
                self.at += 1
                self._field(message.field.add(label=_LABELS[word]))
            elif word == "enum":
                self.at += 1
                self._enum(message.enum_type.add())
            elif word == "message":
                self.at += 1
                nested = message.nested_type.add(name=self._word("the name of a message"))
                self._message(nested)
            elif word in ("reserved", "extensions", "option"):
                self._statement()
            else:
                raise self._error(
                    f"expected optional, required, repeated, message or enum in {message.name}, "
                    f'got "{word or "the end"}"'
                )
        self._take("}")

    def _field(self, field: FieldDescriptorProto) -> None:
        kind = self._word("a type")
        if kind in _SCALARS:
            field.type = _SCALARS[kind]
        else:
            field.type_name = kind
        field.name = self._word("the name of a field")
        self._take("=")
        field.number = self._number()
        if self._peek() == "[":
            self._options(field)
        self._take(";")

    def _options(self, field: FieldDescriptorProto) -> None:
        self._take("[")
        while True:
            option = self._word("default, packed or deprecated")
            self._take("=")
            value = self._next()
            if option == "default":
                text = value.strip("\"'")
                boolean = field.type == FieldDescriptorProto.TYPE_BOOL
                field.default_value = text.lower() if boolean else text
            elif option in ("packed", "deprecated"):
                setattr(field.options, option, value == "true")
            if self._peek() != ",":
                break
            self.at += 1
        self._take("]")

    def _enum(self, enum: EnumDescriptorProto) -> None:
        enum.name = self._word("the name of an enum")
        self._take("{")
        while self._peek() != "}":
            if self._peek() in ("option", "reserved"):
                self._statement()
                continue
            value = enum.value.add(name=self._word("the name of a value"))
            self._take("=")
            value.number = self._number()
            self._take(";")
        self._take("}")
