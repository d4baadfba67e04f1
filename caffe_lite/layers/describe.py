"""What there is to say about a layer type: a line, or a page in Markdown.

A page is made of the class docstring and the schema: what the layer computes, shapes, parameters
with their defaults and comments, a sample. Types that users add get pages as well.
"""

import json
import re
import textwrap
from collections.abc import Container, Iterator
from functools import cache
from inspect import cleandoc
from pathlib import Path
from typing import Any

from caffe_lite.layers.base import Bounds, Layer
from caffe_lite.layers.registry import layer_class, load_meanings, meanings_of
from caffe_lite.proto import schema
from caffe_lite.proto.merge import is_addition

_TABLE = re.compile(r"(bottom|top|blobs)\b(\[| )")
_SOURCES = ("Caffe: ", "Source: ")  # Caffe's own files; the repository of a fork
_BACKWARD = "Backward: "
_DIFFERENCES = re.compile(r"Differences from [^:]+: ")


def summary(type_name: str) -> str:
    """The first sentence of the type's description, on one line."""
    return summary_of(layer_class(type_name))


def summary_of(cls: type[Layer]) -> str:
    """The first sentence of a layer's description, on one line."""
    paragraphs = _paragraphs(cls)
    return " ".join(paragraphs[0].split()) if paragraphs else ""


def sample(cls: type[Layer]) -> str:
    """The sample prototxt of a layer's docstring, or ""."""
    return _cut_example(cls)[1]


def description(cls: type[Layer]) -> str:
    """A layer's docstring without its source and sample."""
    paragraphs = [p for p in _paragraphs(cls) if not p.startswith(_SOURCES)]
    return "\n\n".join(paragraphs)


def page(type_name: str) -> str:
    """The type's page in Markdown; where the name has several meanings, a page for each."""
    return "\n".join(page_of(cls, type_name) for cls in classes(type_name))


def classes(type_name: str) -> list[type[Layer]]:
    """All meanings of a type's name: the one without conditions first."""
    plain = layer_class(type_name)
    load_meanings(type_name)
    others = [meaning.cls for meaning in meanings_of(type_name) if meaning.cls is not plain]
    return [plain, *others]


def page_of(cls: type[Layer], type_name: str) -> str:
    """The page of one layer in Markdown."""
    parts = [f"# {type_name}"]
    differences, source, backward = "None known.", "", ""
    for paragraph in _paragraphs(cls):
        if paragraph.startswith(_SOURCES):
            source = paragraph
        elif found := _DIFFERENCES.match(paragraph):
            differences = _sentence(paragraph[found.end() :])
        elif paragraph.startswith(_BACKWARD):
            backward = _sentence(" ".join(paragraph.removeprefix(_BACKWARD).split()))
        elif paragraph.startswith(" ") or _TABLE.match(paragraph):
            parts.append(f"```text\n{textwrap.dedent(paragraph)}\n```")
        else:
            parts.append(paragraph)
    if conditions := _conditions(cls, type_name):
        parts.append(conditions)
    parts.append(_facts(cls))
    if backward:
        formula, _, kept = backward.partition(" Kept from forward: ")
        parts += ["## Backward", formula, f"Kept from forward: {kept}"]
    parts += ["## Parameters", *(_parameters(cls) or ["None."])]
    if text := sample(cls):
        parts += ["## Sample", f"```prototxt\n{text}\n```"]
    if source.startswith("Caffe: "):
        files = ", ".join(f"`{name}`" for name in source.removeprefix("Caffe: ").split(", "))
        parts += ["## Differences from Caffe", differences, f"Caffe's own: {files}"]
    elif source:
        parts += ["## Differences from the fork", differences, source]
    return "\n\n".join(parts) + "\n"


def _conditions(cls: type[Layer], type_name: str) -> str:
    """By which fields a definition means this layer and not another of the same name."""
    fields = [name for m in meanings_of(type_name) if m.cls is cls for name in m.when]
    if not fields:
        return ""
    return (
        f"`{type_name}` means this layer where a definition has "
        + " or ".join(f"`{name}`" for name in fields)
        + "."
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cut_example(cls: type[Layer]) -> tuple[str, str]:
    """The docstring without its sample, and the sample."""
    before, _, example = cleandoc(cls.__doc__ or "").partition("Example::")
    return before, textwrap.dedent(example.strip("\n")).rstrip()


def _paragraphs(cls: type[Layer]) -> list[str]:
    return [block for block in re.split(r"\n\s*\n", _cut_example(cls)[0].strip()) if block.strip()]


def _facts(cls: type[Layer]) -> str:
    facts = [f"Bottoms: {_count(cls.bottoms)}.", f"Tops: {_count(cls.tops)}."]
    if cls.in_place:
        facts.append("The first top may be the first bottom.")
    if cls.is_loss:
        facts.append("A loss: its first top has loss weight 1 unless `loss_weight` says else.")
    if cls.no_gradient:
        names = " and ".join(f"bottom[{i}]" for i in cls.no_gradient)
        facts.append(f"No gradient goes to {names}.")
    return " ".join(facts)


def _count(bounds: Bounds) -> str:
    fewest, most = bounds
    if most is None:
        return f"{fewest} or more" if fewest else "any number"
    return str(most) if fewest == most else f"{fewest} to {most}"


@cache
def _comments() -> dict[str, dict[str, str]]:
    """Comments of proto/caffe.proto by message (or message.enum) and field."""
    path = Path(schema.__file__).with_name("comments.json")
    comments: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return comments


def _parameters(cls: type[Layer]) -> list[str]:
    parts = []
    for name in cls.reads or ():
        name, _, only = name.partition(".")
        message = schema.LayerParameter.DESCRIPTOR.fields_by_name[name].message_type
        about = _comments().get(message.name, {}).get("", "")
        parts.append(f"### {name}" + (f"\n\n{about}" if about else ""))
        extensions = {path.rpartition(".")[2] for path in cls.extensions if path.startswith(name)}
        parts.append("\n".join(fields(message, only, extensions)))
    return parts


def fields(message: Any, only: str = "", extensions: Container[str] = ()) -> Iterator[str]:
    """A Markdown list of a message's fields: type, default, comment.

    Fields that share one comment share one item. `only` picks a field. Of the fields that forks
    added to a message of Caffe's, those named in `extensions` are listed.
    """
    comments = _comments().get(message.name, {})
    group: list[str] = []
    about, enum = "", None
    for field in message.fields:
        if (only and field.name != only) or (is_addition(field) and field.name not in extensions):
            continue
        comment = comments.get(field.name, "")
        if group and comment != "=":
            yield from _item(group, about, enum, message)
            group = []
        group.append(f"`{field.name}` ({_kind(field)})")
        if comment != "=":
            about, enum = comment, field.enum_type
    if group:
        yield from _item(group, about, enum, message)


def _item(names: list[str], about: str, enum: Any, message: Any) -> Iterator[str]:
    yield f"- {', '.join(names)}" + (f": {about}" if about else "")
    notes = _comments().get(f"{message.name}.{enum.name}", {}) if enum is not None else {}
    for value, note in notes.items():
        if value:
            yield f"  - {value}: {note}"


def _kind(field: Any) -> str:
    if field.enum_type is not None:
        kind = " | ".join(value.name for value in field.enum_type.values)
    elif field.message_type is not None:
        kind = field.message_type.name
    else:
        kind = _SCALARS.get(field.type, "number")
    if schema.is_repeated(field):
        return f"{kind}, repeated"
    if schema.is_required(field):
        return f"{kind}, required"
    return f"{kind}, default {_default(field)}" if field.has_default_value else kind


_SCALARS = {
    1: "double",
    2: "float",
    3: "int64",
    4: "uint64",
    5: "int32",
    8: "bool",
    9: "string",
    12: "bytes",
    13: "uint32",
}


def _default(field: Any) -> str:
    value = field.default_value
    if field.enum_type is not None:
        return str(field.enum_type.values_by_number[value].name)
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"
