"""The rules of the package's structure, held against its source."""

import ast
from pathlib import Path

import pytest

import caffe_lite
from caffe_lite.layers.registry import CAFFE

PACKAGE = Path(caffe_lite.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

# Each part may import those of lower rows, itself, and what BESIDE names of its own row.
ROWS = {
    "errors": 0,
    "plugins": 0,
    "types": 0,
    "proto": 1,
    "backend": 1,
    "data": 1,
    "blob": 2,
    "datasets": 2,
    "host_blob": 3,
    "fillers": 3,
    "weights": 3,
    "layers": 4,
    "forks": 5,
    "nets": 6,
    "solvers": 7,
    "lrcn": 8,
    "testing": 8,
    "pycaffe": 9,
    "cli": 9,
    "__main__": 10,
    "__init__": 10,
}
BESIDE = {
    "data": {"proto"},  # records and mean files are messages
}


def part_of(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path):
    """Modules that a file imports when it is loaded or run, those for type checks aside."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for statement in branch.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield node.module
            if node.module == "caffe_lite":
                yield from (f"caffe_lite.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down_the_rows(path):
    part = part_of(path)
    assert part in ROWS, f"give {part} a row"
    for module in imports(path):
        if not module.startswith("caffe_lite."):
            continue
        other = module.split(".")[1]
        if other not in ROWS or other == part:
            continue
        allowed = ROWS[other] < ROWS[part] or other in BESIDE.get(part, ())
        assert allowed, f"{part} (row {ROWS[part]}) imports {module} (row {ROWS[other]})"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_array_libraries_stay_where_they_belong(path):
    part, name = part_of(path), path.relative_to(PACKAGE).as_posix()
    roots = {module.split(".")[0] for module in imports(path)}
    if name != "backend/gpu/cuda.py":
        assert not roots & {"cupy", "cupy_backends"}, "only backend/gpu/cuda.py imports cupy"
    if part in ("layers", "solvers"):
        assert "numpy" not in roots, "layers and solvers use self.ops and self.xp"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_assert_guards_input(path):
    tree = ast.parse(path.read_text())
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]


def test_every_built_in_type_has_its_file_and_every_file_its_type():
    files = {path.stem for path in (PACKAGE / "layers").glob("*.py")}
    helpers = {name for name in files if name.startswith("_")}
    modules = {CAFFE.module(name).rpartition(".")[2] for name in CAFFE.types()}
    assert files - helpers == modules | {"base", "registry", "layer_set", "describe"}


def test_each_type_is_registered_by_its_own_file():
    for name in CAFFE.types():
        module = CAFFE.module(name).rpartition(".")[2]
        source = (PACKAGE / "layers" / f"{module}.py").read_text()
        assert f'@register("{name}")' in source
