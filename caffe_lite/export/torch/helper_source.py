"""The helpers' source: which names there are, and what a piece of code needs of them."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent / "helpers"


class Helper(NamedTuple):
    """A function or class: its text, and the names that it uses."""

    text: str
    uses: frozenset[str]


@cache
def helpers() -> dict[str, Helper]:
    """All helpers by name, in the order of the files."""
    found: dict[str, Helper] = {}
    for path in sorted(_FOLDER.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.parse(source).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                text = "\n".join(lines[first - 1 : node.end_lineno])
                uses = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
                found[node.name] = Helper(text, frozenset(uses) - {node.name})
    return found


def needed(code: str) -> list[str]:
    """The names of the helpers that `code` uses, with those that they use, in their order."""
    known = helpers()
    wanted = {name for name in re.findall(r"\w+", code) if name in known}
    left = list(wanted)
    while left:
        for name in known[left.pop()].uses & known.keys():
            if name not in wanted:
                wanted.add(name)
                left.append(name)
    return [name for name in known if name in wanted]
