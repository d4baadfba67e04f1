"""`import caffe_lite`: what it offers, and that it offers it without loading anything first."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import caffe_lite


@pytest.mark.parametrize("name", caffe_lite.__all__)
def test_every_name_is_there(name):
    assert getattr(caffe_lite, name) is not None
    assert name in dir(caffe_lite)


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(caffe_lite.__file__).read_text())
    (seen,) = (node for node in tree.body if isinstance(node, ast.If))
    homes = {alias.name: node.module for node in seen.body for alias in node.names}
    assert homes == caffe_lite._PUBLIC


def test_other_names_are_told():
    with pytest.raises(AttributeError, match="has no attribute 'Nett'"):
        _ = caffe_lite.Nett


def test_the_import_loads_no_array_library():
    code = "import sys, caffe_lite; print([m for m in sys.modules if m.startswith('numpy')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
