"""The rules of the package's structure, checked against its source."""

import ast
from graphlib import CycleError, TopologicalSorter

import pytest

from caffe_lite.layers.registry import CAFFE
from tools import draw_architecture
from tools.architecture import (
    BESIDE,
    MODULES,
    PACKAGE,
    ROWS,
    imports,
    module_name,
    part_of,
    part_of_module,
)


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_follow_the_rows(path):
    part = part_of(path)
    assert part in ROWS, f"give {part} a row in tools/architecture.py"
    for each in imports(path):
        other = part_of_module(each.module)
        if not other or other == part:
            continue
        allowed = ROWS[other] < ROWS[part] or other in BESIDE.get(part, ())
        how = "names the module" if each.by_string else "imports"
        assert allowed, (
            f"{name_of(path)}:{each.line} (row {ROWS[part]}) {how} {each.module} "
            f"(row {ROWS[other]})"
        )


def test_no_modules_import_each_other():
    names = {module_name(path) for path in MODULES}
    graph = {}
    for path in MODULES:
        found = {each.module for each in imports(path) if not each.by_string}
        graph[module_name(path)] = (found & names) - {module_name(path)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(reversed(error.args[1]))}")


SOURCE = '''
"""caffe_lite.cli is not imported by a docstring that mentions it."""
import logging
from importlib import import_module
from typing import TYPE_CHECKING

from caffe_lite.backend import Ops, cuda
if TYPE_CHECKING:
    from caffe_lite.nets.net import Net

log = logging.getLogger("caffe_lite.solvers")
PLUGIN_GROUP = "caffe_lite.layers"

def load(name):
    from caffe_lite import blob
    import_module(f"caffe_lite.lrcn.{name}")
    return import_module({"a": "caffe_lite.pycaffe.install"}[name])
'''


def test_imports_are_found_wherever_they_are(tmp_path):
    path = tmp_path / "file.py"
    path.write_text(SOURCE)
    found = {(each.module, each.by_string) for each in imports(path)}
    ours = {pair for pair in found if pair[0].startswith("caffe_lite")}
    assert ours == {
        ("caffe_lite.backend", False),
        ("caffe_lite.blob", False),
        ("caffe_lite.lrcn", True),
        ("caffe_lite.pycaffe.install", True),
    }
    assert {pair[0] for pair in found - ours} == {"importlib", "logging", "typing"}


def test_relative_imports_are_refused(tmp_path):
    path = tmp_path / "file.py"
    path.write_text("from . import x\n")
    with pytest.raises(ValueError, match="file.py:1: imports must be absolute"):
        list(imports(path))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_array_libraries_stay_where_they_belong(path):
    roots = {each.module.split(".")[0] for each in imports(path)}
    if name_of(path) != "backend/gpu/cuda.py":
        assert not roots & {"cupy", "cupy_backends"}, "only backend/gpu/cuda.py imports cupy"
    if part_of(path) in ("layers", "solvers"):
        assert "numpy" not in roots, "layers and solvers use self.ops and self.xp"
    if part_of(path) == "forks" and "numpy" in roots:
        doc = ast.get_docstring(ast.parse(path.read_text())) or ""
        assert "on the host" in doc, "a layer uses self.xp; what is host-side by nature says so"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_assert_guards_input(path):
    tree = ast.parse(path.read_text())
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert not lines, "raise an error instead: asserts vanish under python -O"


def test_every_built_in_type_has_its_file_and_every_file_its_type():
    files = {path.stem for path in (PACKAGE / "layers").glob("*.py")}
    helpers = {name for name in files if name.startswith("_")}
    modules = {CAFFE.module(name).rpartition(".")[2] for name in CAFFE.types()}
    assert files - helpers == modules | {"base", "registry", "layer_set", "describe"}


def test_each_type_is_registered_by_its_own_file():
    for name in CAFFE.types():
        module = CAFFE.module(name).rpartition(".")[2]
        source = (PACKAGE / "layers" / f"{module}.py").read_text()
        assert f'@register("{name}")' in source, f"layers/{module}.py does not register {name}"


def test_the_picture_is_up_to_date():
    assert draw_architecture.PICTURE.read_text() == draw_architecture.draw(), (
        "run python -m tools.draw_architecture"
    )


def test_implied_arrows_are_left_out():
    pairs = {("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d"), ("e", "d")}
    left = draw_architecture.without_implied(pairs)
    assert left == {("a", "b"), ("b", "c"), ("c", "d"), ("e", "d")}
