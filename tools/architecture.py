"""The package's structure, read from its source: the rows of its parts, and what each file imports.

`tests/test_architecture.py` checks the rows, `tools/draw_architecture.py` draws them.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import caffe_lite

PACKAGE = Path(caffe_lite.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# A part imports from rows with smaller numbers, from itself, and from the parts in BESIDE.
ROWS = {
    "errors": 0,
    "html": 0,
    "plugins": 0,
    "trust": 0,
    "types": 0,
    "proto": 1,
    "backend": 1,
    "data": 1,
    "blob": 2,
    "datasets": 2,
    "runs": 2,
    "host_blob": 3,
    "fillers": 3,
    "weights": 3,
    "layers": 4,
    "forks": 5,
    "nets": 6,
    "solvers": 7,
    "export": 7,
    "explain": 7,
    "importer": 8,
    "draw": 7,
    "lrcn": 8,
    "testing": 8,
    "recognition": 9,
    "fit": 10,
    "pycaffe": 10,
    "board": 10,
    "dnn": 10,
    "cli": 11,
    "__main__": 12,
    "__init__": 12,
}
BESIDE = {
    "plugins": {"trust"},  # which plugins may be loaded
    "data": {"proto"},  # records and mean files are messages
}

_MODULE_NAME = re.compile(r"caffe_lite(\.\w+)+")


@dataclass(frozen=True)
class Import:
    """One import of a module of this package or another, at `line` of a file.

    `by_string` marks a module that is named in a string, for `import_module` to import.
    """

    module: str
    line: int
    by_string: bool = False


def part_of(path: Path) -> str:
    """The part that a file belongs to: its folder in the package, or its own name."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def module_name(path: Path) -> str:
    """The name by which a file is imported."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of_module(module: str) -> str:
    """The part that a module of the package belongs to; "" for modules of other packages."""
    first, _, rest = module.partition(".")
    part = rest.partition(".")[0]
    return part if first == "caffe_lite" and part in ROWS else ""


@cache
def imports(path: Path) -> tuple[Import, ...]:
    """What a file imports at its top or in functions; imports for type checks do not count.

    Raises ValueError for a relative import.
    """
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text())
    ignored = _type_checks(tree) | _names_of_others(tree)
    for node in ast.walk(tree):
        if id(node) in ignored:
            continue
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{path}:{node.lineno}: imports must be absolute")
            for alias in node.names:
                yield Import(_submodule(node.module, alias.name), node.lineno)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if _MODULE_NAME.fullmatch(node.value.rstrip(".")):
                yield Import(node.value.rstrip("."), node.lineno, by_string=True)


def _submodule(module: str, name: str) -> str:
    """What `from module import name` imports: a module of this package, or one's content."""
    path = PACKAGE.parent.joinpath(*module.split("."), name)
    is_module = path.with_suffix(".py").exists() or (path / "__init__.py").exists()
    return f"{module}.{name}" if module.startswith("caffe_lite") and is_module else module


def _type_checks(tree: ast.Module) -> set[int]:
    """Identities of the nodes under `if TYPE_CHECKING:`."""
    return {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for statement in branch.body
        for node in ast.walk(statement)
    }


def _names_of_others(tree: ast.Module) -> set[int]:
    """Identities of strings that may look like modules: loggers, and groups of entry points.

    A group is the value of a constant whose name ends in GROUP.
    """
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "getLogger":
                found |= {id(argument) for argument in node.args}
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if node.targets[0].id.endswith("GROUP"):
                found.add(id(node.value))
    return found
