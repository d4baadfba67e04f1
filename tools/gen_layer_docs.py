"""Write the pages of docs/layers, and the schema's comments that the package ships for them.

The forks' layers have theirs in docs/forks, a folder for each family. Run it after a change of a
layer's docstring or of a .proto file; `tests/test_layer_docs.py` fails while a file is out of date.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

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

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = [ROOT / "proto" / "caffe.proto", *sorted((ROOT / "proto" / "forks").glob("*.proto"))]
COMMENTS = Path(describe.__file__).parents[1] / "proto" / "comments.json"  # of the package in use
PAGES = ROOT / "docs" / "layers"
FORK_PAGES = ROOT / "docs" / "forks"

OPENING = re.compile(r"(message|enum|extend) (\w+) \{")
FIELD = re.compile(r"(?:optional|required|repeated) [\w.]+ (\w+) = ")
VALUE = re.compile(r"(\w+) = -?\d+;")
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
    """The list of the forks' layers by family, and the names that have several meanings."""
    lines = [
        "# Layers of Caffe's forks",
        "",
        "Layers beyond Caffe 1.0 that public nets use, by the family of forks that they come from.",
        "",
    ]
    for layers in layer_sets()[1:]:
        lines += [f"## {layers.title}", "", f"From {layers.repository}.", ""]
        for name, cls in _of_set(layers):
            lines.append(f"- [{name}]({_folder(layers)}/{name}.md): {describe.summary_of(cls)}")
        lines.append("")
    lines += ["## Names with several meanings", ""]
    lines += ["| type | fields in the definition | layer |", "|---|---|---|"]
    for name in layer_types():
        found = describe.classes(name)
        conditions = {m.cls: " or ".join(f"`{f}`" for f in m.when) for m in meanings_of(name)}
        if len(found) > 1:
            for cls in found:
                fields = conditions[cls] or "none of these"
                lines.append(f"| {name} | {fields} | {describe.summary_of(cls)} |")
    return "\n".join(lines) + "\n"


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
    made = {PAGES / f"{name}.md": page_of_caffe(name) for name in CAFFE.types()}
    for layers in layer_sets()[1:]:
        for name, cls in _of_set(layers):
            made[FORK_PAGES / _folder(layers) / f"{name}.md"] = describe.page_of(cls, name)
    return {PAGES / "README.md": index(), FORK_PAGES / "README.md": fork_index(), **made}


def page_of_caffe(name: str) -> str:
    return describe.page_of(layer_class(name), name)


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
