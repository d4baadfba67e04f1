"""Write the pages of docs/layers, and the schema's comments that the package ships for them.

The forks' layers have theirs in docs/forks, a folder for each family. Run it after a change of a
layer's docstring or of a .proto file; `tests/test_layer_docs.py` fails while a file is out of date.
"""

import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from caffe_lite.backend.reference.base import OpsBase
from caffe_lite.backend.reference.ops import Ops
from caffe_lite.layers import describe
from caffe_lite.layers.base import Layer
from caffe_lite.layers.layer_set import LayerSet
from caffe_lite.layers.registry import (
    CAFFE,
    layer_class,
    layer_sets,
    layer_types,
    meanings_of,
)
from caffe_lite.proto import schema
from caffe_lite.proto.hints import fork_types
from caffe_lite.proto.merge import is_addition

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = [ROOT / "proto" / "caffe.proto", *sorted((ROOT / "proto" / "forks").glob("*.proto"))]
PACKAGE = Path(describe.__file__).parents[1]  # the one in use
COMMENTS = PACKAGE / "proto" / "comments.json"
PAGES = ROOT / "docs" / "layers"
FORK_PAGES = ROOT / "docs" / "forks"
FORKS_TEXT = ROOT / "tools" / "forks_text.md"
LEFT_OUT = ROOT / "tools" / "forks_left_out.txt"

OPENING = re.compile(r"(message|enum|extend) (\w+) \{")
FIELD = re.compile(r"(?:optional|required|repeated) [\w.]+ (\w+) = ")
VALUE = re.compile(r"(\w+) = -?\d+;")
OPERATION = re.compile(r"\bops\.(\w+)")
TRAILING = re.compile(r";\s*// ?(.*)")


def comments_of(source: str) -> dict[str, dict[str, str]]:
    """Comments of a .proto file, by "Message" or "Message.Enum" and by field or value.

    "" is the comment of the message itself. A field right below another, without comment or blank
    line between, shares that one's comment: its own reads "=". What stands above an enum goes with
    the field of that type.
    """
    comments: dict[str, dict[str, str]] = {}
    names: list[str] = []
    above: list[str] = []
    enum_comment, shared = "", False
    for line in (line.strip() for line in source.splitlines()):
        if line.startswith("//"):
            above.append(line[2:].strip())
            continue
        text = " ".join(above)
        above = []
        if opening := OPENING.match(line):
            names.append(opening[2])
            if opening[1] == "enum" and len(names) > 1:
                enum_comment = text
            elif text:
                comments.setdefault(".".join(names), {})[""] = text
            shared = False
        elif line.startswith("}"):
            names.pop()
            shared = False
        elif field := FIELD.match(line) or VALUE.match(line):
            trailing = TRAILING.search(line)
            is_field = bool(FIELD.match(line))
            parts = [enum_comment if is_field else "", text, trailing[1] if trailing else ""]
            text = " ".join(part for part in parts if part)
            if is_field:
                enum_comment = ""
            if text or (shared and is_field):
                comments.setdefault(".".join(names), {})[field[1]] = text or "="
            shared = is_field and bool(text or shared)
        elif not line:
            shared = False
    return comments


def all_comments() -> dict[str, dict[str, str]]:
    """The comments of Caffe's schema and of the forks', joined as the messages are."""
    comments: dict[str, dict[str, str]] = {}
    for path in SCHEMAS:
        for owner, notes in comments_of(path.read_text(encoding="utf-8")).items():
            comments.setdefault(owner, {}).update(notes)
    return comments


def index() -> str:
    """The list of all types, and what all layers have in common."""
    lines = [
        "# Layers",
        "",
        "One page for each type that a net can name. `caffe_lite layers` prints this list,",
        "`caffe_lite layers TYPE` a page.",
        "",
    ]
    lines += [f"- [{name}]({name}.md): {describe.summary(name)}" for name in CAFFE.types()]
    lines += [
        "",
        "## What every layer has",
        "",
        "Fields of `layer { }` besides those of the types:",
        "",
    ]
    known = schema.LayerParameter.DESCRIPTOR
    lines += [line for line in describe.fields(known) if "_param`" not in line]
    for name, title in (
        ("ParamSpec", "`param { }`"),
        ("NetStateRule", "`include { }` and `exclude { }`"),
        ("FillerParameter", "Fillers, such as `weight_filler { }`"),
    ):
        lines += ["", f"## {title}", ""]
        lines += describe.fields(known.file.message_types_by_name[name])
    return "\n".join(lines) + "\n"


def fork_index() -> str:
    """The page about nets of forks: `forks_text.md` with its lists and tables filled in."""
    text = FORKS_TEXT.read_text(encoding="utf-8")
    parts = {
        "families": _families(),
        "meanings": _meanings(),
        "hints": _hints(),
        "left_out": _left_out(),
    }
    for name, lines in parts.items():
        text = text.replace(f"{{{name}}}", "\n".join(lines))
    return text


def _families() -> list[str]:
    """The forks' layers by family."""
    lines = []
    for layers in layer_sets()[1:]:
        lines += [f"## {layers.title}", "", f"From {layers.repository}.", ""]
        for name, cls in _of_set(layers):
            lines.append(f"- [{name}]({_folder(layers)}/{name}.md): {describe.summary_of(cls)}")
        lines.append("")
    return lines


def _meanings() -> list[str]:
    """The names that have several meanings, and the fields that decide."""
    lines = []
    for name in layer_types():
        found = describe.classes(name)
        conditions = {m.cls: " or ".join(f"`{f}`" for f in m.when) for m in meanings_of(name)}
        if len(found) > 1:
            for cls in found:
                fields = conditions[cls] or "none of these"
                lines.append(f"| {name} | {fields} | {describe.summary_of(cls)} |")
    return lines


def _hints() -> list[str]:
    """The forks' fields of Caffe's messages that are accepted and change nothing."""
    lines = []
    for name, message in sorted(schema.descriptor().message_types_by_name.items()):
        hints = [
            f"`{field.name}`"
            for field in message.fields
            if is_addition(field) and field.GetOptions().deprecated
        ]
        if hints:
            lines.append(f"| {name} | {', '.join(sorted(hints))} |")
    return lines


def _left_out() -> list[str]:
    """The forks' types that have no layer, by the reason."""
    old = schema.V1LayerParameter.DESCRIPTOR.enum_types_by_name["LayerType"].values_by_name
    forks = {
        name: several
        for name, several in fork_types().items()
        if name not in {*layer_types(), *old}
    }
    reasons: dict[str, list[str]] = {}
    for line in LEFT_OUT.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            reason, _, types = line.partition(": ")
            reasons[reason] = [name for name in types.split() if name in forks]
    given = {name for types in reasons.values() for name in types}
    reasons["In no public net that was found"] = sorted(forks.keys() - given)
    lines = []
    for reason, left in reasons.items():
        by_forks: dict[str, list[str]] = {}
        for name in left:
            by_forks.setdefault(forks[name], []).append(f"`{name}`")
        lines += [f"| {', '.join(own)} | {fork} | {reason} |" for fork, own in by_forks.items()]
    return lines


def _folder(layers: LayerSet) -> str:
    return layers.package.rpartition(".")[2]


def _of_set(layers: LayerSet) -> Iterator[tuple[str, type[Layer]]]:
    """The types that a set registers, each with the set's own class."""
    for name in layers.types():
        for cls in describe.classes(name):
            if cls.__module__.startswith(f"{layers.package}."):
                yield name, cls


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    made = {PAGES / f"{name}.md": page(layer_class(name), name, 2) for name in CAFFE.types()}
    for layers in layer_sets()[1:]:
        for name, cls in _of_set(layers):
            made[FORK_PAGES / _folder(layers) / f"{name}.md"] = page(cls, name, 3)
    return {PAGES / "README.md": index(), FORK_PAGES / "README.md": fork_index(), **made}


def page(cls: type[Layer], name: str, depth: int) -> str:
    """A layer's page, `depth` folders below the root, with links to the code."""
    return f"{describe.page_of(cls, name)}\n## Code\n\n{code(cls, '../' * depth)}\n"


def code(cls: type[Layer], root: str) -> str:
    """Links to the class, and to the plain version of each operation that it calls."""
    file = f"caffe_lite/{Path(inspect.getfile(cls)).relative_to(PACKAGE).as_posix()}"
    text = f"[{file}]({root}{file})"
    own = [c for c in cls.__mro__ if issubclass(c, Layer) and c is not Layer]
    called = {name for c in own for name in OPERATION.findall(inspect.getsource(c))}
    where = operation_files()
    links = [f"[`{name}`]({root}{where[name]})" for name in where if name in called]
    return f"{text}; operations {', '.join(links)}" if links else text


@cache
def operation_files() -> dict[str, str]:
    """By operation, the file of its readable version."""
    return {
        name: f"caffe_lite/{Path(inspect.getfile(group)).relative_to(PACKAGE).as_posix()}"
        for group in Ops.__mro__
        if issubclass(group, OpsBase) and group not in (Ops, OpsBase)
        for name, value in vars(group).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }


def generated() -> set[Path]:
    """The pages that are there now."""
    return {*PAGES.glob("*.md"), *FORK_PAGES.rglob("*.md")}


def main() -> None:
    comments = all_comments()
    COMMENTS.write_text(json.dumps(comments, indent=1) + "\n", encoding="utf-8")
    made = pages()
    for path in generated() - set(made):
        path.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"{COMMENTS}, {len(made)} pages in {PAGES.relative_to(ROOT)} and docs/forks")


if __name__ == "__main__":
    main()
