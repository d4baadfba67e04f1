"""A parser of text format into messages, driven by the schema's descriptors."""

import logging
from functools import cache
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from caffe_lite.errors import PrototxtError
from caffe_lite.proto.hints import unknown_field
from caffe_lite.proto.merge import LIST_SUFFIX
from caffe_lite.proto.scalars import Converter, converter
from caffe_lite.proto.schema import is_repeated, is_required, load_plugins
from caffe_lite.proto.tokens import Tokens
from caffe_lite.types import AnyMessage

log = logging.getLogger("caffe_lite.proto")

_CLOSERS = {"{": "}", "<": ">"}


class _Field(NamedTuple):
    descriptor: FieldDescriptor
    repeated: bool
    convert: Converter | None  # None: the field holds a message


@cache
def _fields(descriptor: Descriptor) -> dict[str, _Field]:
    return {
        field.name: _Field(
            field, is_repeated(field), None if field.message_type else converter(field)
        )
        for field in descriptor.fields
    }


@cache
def _required(descriptor: Descriptor) -> list[str]:
    return [field.name for field in descriptor.fields if is_required(field)]


class Parser:
    """Fills messages from one text. `skip_unknown`: warn of unknown fields and step over them."""

    def __init__(self, tokens: Tokens, skip_unknown: bool) -> None:
        self.tokens = tokens
        self.skip_unknown = skip_unknown
        self.open: list[Descriptor] = []  # the messages around the current token

    def parse(self, message: AnyMessage) -> None:
        self._body(message, "", 0)

    def _body(self, message: AnyMessage, closer: str, opened: int) -> None:
        """Read fields up to `closer` ("" for the end of the text)."""
        tokens = self.tokens
        descriptor = message.DESCRIPTOR
        fields = _fields(descriptor)
        self.open.append(descriptor)
        seen: set[str] = set()
        while tokens.value != closer:
            if tokens.kind != "name":
                raise self._not_a_field(closer, opened)
            name, start = tokens.value, tokens.start
            field = fields.get(name)
            tokens.advance()
            if field is None:
                self._unknown(descriptor, name, start)
            else:
                listed = fields.get(name + LIST_SUFFIX)
                if listed and (name in seen or self._starts_list()):
                    _move_to_list(message, name)
                    field = listed
                elif name in seen and not field.repeated:
                    raise tokens.error(f'"{name}" is given twice in {descriptor.name}', start)
                seen.add(name)
                self._value(message, field, start)
                if field is listed:
                    _keep_single(message, name)
            if tokens.value in (",", ";"):
                tokens.advance()
        missing = [name for name in _required(descriptor) if name not in seen]
        if missing:
            raise tokens.error(f'{descriptor.name} lacks its required "{missing[0]}"', opened)
        self.open.pop()

    def _starts_list(self) -> bool:
        """Whether the current token, or the one after a colon, opens a list."""
        tokens = self.tokens
        return tokens.value == "[" or (tokens.value == ":" and tokens.peek() == "[")

    def _value(self, message: AnyMessage, field: _Field, start: int) -> None:
        tokens = self.tokens
        name = field.descriptor.name
        if not tokens.take(":") and field.convert:
            written = name.removesuffix(LIST_SUFFIX)
            raise tokens.error(f'expected ":" after "{written}", got {tokens.shown()}')
        if tokens.value == "[" and field.repeated:
            self._list(message, field, start)
        elif field.convert is None:
            self._message(message, field, start)
        elif field.repeated:
            getattr(message, name).append(field.convert(tokens, field.descriptor))
        else:
            setattr(message, name, field.convert(tokens, field.descriptor))

    def _message(self, message: AnyMessage, field: _Field, start: int) -> None:
        tokens = self.tokens
        name = field.descriptor.name
        closer = _CLOSERS.get(tokens.value)
        if closer is None:
            raise tokens.error(f'expected "{{" after "{name}", got {tokens.shown()}')
        tokens.advance()
        child = getattr(message, name)
        if field.repeated:
            child = child.add()
        else:
            child.SetInParent()  # an empty message is present too
        self._body(child, closer, start)
        tokens.advance()

    def _list(self, message: AnyMessage, field: _Field, start: int) -> None:
        tokens = self.tokens
        opened = tokens.start
        tokens.advance()
        values = getattr(message, field.descriptor.name)
        while tokens.value != "]":
            if field.convert is None:
                self._message(message, field, start)
            else:
                values.append(field.convert(tokens, field.descriptor))
            if tokens.value != "]" and (not tokens.take(",") or tokens.value == "]"):
                if tokens.kind == "end":
                    raise tokens.error('this "[" is never closed', opened)
                raise tokens.error(f'"," or "]" expected in the list, got {tokens.shown()}')
        tokens.advance()

    def _unknown(self, descriptor: Descriptor, name: str, start: int) -> None:
        tokens = self.tokens
        failures = load_plugins()
        text = "; ".join([unknown_field(descriptor, name, self.open[:-1]), *failures])
        error = tokens.error(text, start)
        if not self.skip_unknown:
            raise error
        log.warning("%s; skipped", error)
        self._skip_value()

    def _skip_value(self) -> None:
        """Step over the value of a field that the schema does not have, whatever its type."""
        tokens = self.tokens
        if not tokens.take(":") and tokens.value not in ("{", "<"):
            raise tokens.error(f'expected ":" or "{{", got {tokens.shown()}')
        closers: list[str] = []
        opened = tokens.start
        while True:
            value, kind = tokens.value, tokens.kind
            if kind == "end":
                raise tokens.error("the unknown field that starts here has no end", opened)
            if value in ("{", "<", "["):
                closers.append({"{": "}", "<": ">", "[": "]"}[value])
            elif value in ("}", ">", "]"):
                if not closers or closers.pop() != value:
                    raise tokens.error(f'unexpected "{value}"')
            tokens.advance()
            if not closers and value != "-" and not kind == tokens.kind == "string":
                return

    def _not_a_field(self, closer: str, opened: int) -> PrototxtError:
        tokens = self.tokens
        if tokens.kind == "end":
            name = self.open[-1].name
            return tokens.error(f'this {name} is never closed; "{closer}" is missing', opened)
        if tokens.value == "}" and not closer:
            return tokens.error('this "}" closes nothing')
        if tokens.value == "[":
            return tokens.error("extension fields are not part of the schema")
        wanted = f'a field name or "{closer}"' if closer else "a field name"
        return tokens.error(f"expected {wanted}, got {tokens.shown()}")


def _keep_single(message: AnyMessage, name: str) -> None:
    """Make a list of one value, `[5]`, the value that Caffe has under the name."""
    values = getattr(message, name + LIST_SUFFIX)
    if len(values) == 1:
        setattr(message, name, values[0])
        del values[:]


def _move_to_list(message: AnyMessage, name: str) -> None:
    """Move a single value to the front of the list that forks have under its name."""
    if message.HasField(name):
        getattr(message, name + LIST_SUFFIX).append(getattr(message, name))
        message.ClearField(name)
