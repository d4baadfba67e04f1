"""Write the pages of docs/layers, and the schema's comments that the package ships for them.

Run it after a change of a layer's docstring or of proto/caffe.proto; `tests/test_layer_docs.py`
fails while a file is out of date.
"""

import json
import re
from pathlib import Path

from caffe_lite.layers import describe
from caffe_lite.layers.builtin import BUILTIN
from caffe_lite.proto import schema

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "proto" / "caffe.proto"
COMMENTS = Path(describe.__file__).parents[1] / "proto" / "comments.json"  # of the package in use
PAGES = ROOT / "docs" / "layers"

OPENING = re.compile(r"(message|enum) (\w+) \{")
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


def index() -> str:
    """The list of all types, and what all layers have in common."""
    lines = [
        "# Layers",
        "",
        "One page for each type that a net can name. `caffe_lite layers` prints this list,",
        "`caffe_lite layers TYPE` a page.",
        "",
    ]
    lines += [f"- [{name}]({name}.md): {describe.summary(name)}" for name in sorted(BUILTIN)]
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


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    made = {PAGES / f"{name}.md": describe.page(name) for name in sorted(BUILTIN)}
    return {PAGES / "README.md": index(), **made}


def main() -> None:
    comments = comments_of(SCHEMA.read_text(encoding="utf-8"))
    COMMENTS.write_text(json.dumps(comments, indent=1) + "\n", encoding="utf-8")
    PAGES.mkdir(parents=True, exist_ok=True)
    made = pages()
    for path in PAGES.glob("*.md"):
        if path not in made:
            path.unlink()
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    print(f"{COMMENTS}, {len(made)} pages in {PAGES.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
