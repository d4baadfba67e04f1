"""Definitions that are not trusted neither run code nor overwrite files."""

import sys

import pytest

import caffe_lite
from caffe_lite import plugins
from caffe_lite.errors import LayerError, PrototxtError, SolverError
from caffe_lite.layers import registry
from caffe_lite.nets.untrusted import danger
from caffe_lite.proto import schema, text
from caffe_lite.trust import is_trusted, trusting

INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } } '
MODULE = """
from pathlib import Path
from caffe_lite.layers.base import Layer

Path({mark!r}).touch()

class Mine(Layer):
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
"""
REFUSED = (
    "; this is refused for a definition that is not trusted "
    r"\(--no-python-layers, CAFFE_LITE_SAFE=1 or trust=False\)"
)


def parse(layer):
    return text.parse(INPUT + layer, schema.NetParameter)


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """A working folder with a module and a plugin; the file that both leave when they run."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    mark = tmp_path / "code was run"
    for name in ("tests_module", "tests_plugin"):
        (folder / f"{name}.py").write_text(MODULE.format(mark=str(mark)))
    info = folder / "tests_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tests_plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[caffe_lite.layers]\nTestsMine = tests_plugin:Mine\n")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    plugins.load_all.cache_clear()
    yield mark
    plugins.load_all.cache_clear()
    for name in ("tests_module", "tests_plugin"):
        sys.modules.pop(name, None)
    registry._registered.pop("TestsMine", None)


PYTHON = """layer { name: "p" type: "Python" bottom: "x" top: "y"
    python_param { module: "tests_module" layer: "Mine" } }"""
PLUGIN = 'layer { name: "p" type: "TestsMine" bottom: "x" top: "y" }'
OUTPUT = """layer { name: "p" type: "HDF5Output" bottom: "x" bottom: "x"
    hdf5_output_param { file_name: "rows.h5" } }"""
CASES = [
    (PYTHON, r'layer "p" \(Python\): runs code of the module "tests_module"'),
    (
        PLUGIN,
        r'layer "p" \(TestsMine\): runs code of the plugin tests_plugin:Mine, found in the working '
        "folder .*stranger",
    ),
    (
        """layer { name: "p" type: "DetectionOutput" bottom: "x" bottom: "x" bottom: "x" top: "y"
        detection_output_param { save_output_param { output_directory: "found" } } }""",
        r'layer "p" \(DetectionOutput\): overwrites files of detections in the folder "found"',
    ),
    (OUTPUT, r'layer "p" \(HDF5Output\): overwrites the file "rows.h5"'),
]


@pytest.mark.parametrize(("layer", "message"), CASES)
@pytest.mark.parametrize("how", ["argument", "environment", "block"])
def test_refused_by_name(stranger, monkeypatch, layer, message, how):
    with pytest.raises(LayerError, match=message + REFUSED):
        if how == "argument":
            caffe_lite.Net(parse(layer), trust=False)
        elif how == "environment":
            monkeypatch.setenv("CAFFE_LITE_SAFE", "1")
            caffe_lite.Net(parse(layer))
        else:
            with trusting(False):
                caffe_lite.Net(parse(layer))
    assert not stranger.exists()


def test_what_is_trusted_runs(stranger, monkeypatch):
    monkeypatch.setenv("CAFFE_LITE_SAFE", "1")
    caffe_lite.Net(parse(PYTHON), trust=True).close()
    assert stranger.exists()


def test_a_field_that_a_plugin_may_bring_does_not_run_it(stranger):
    """An unknown field makes the reader load plugins, long before there is a net."""
    definition = INPUT + 'layer { name: "p" type: "ReLU" bottom: "x" tests_mine_param { } }'
    with open("net.prototxt", "w") as file:
        file.write(definition)
    with pytest.raises(PrototxtError, match="tests_plugin:Mine could not be loaded: .*not trusted"):
        caffe_lite.Net("net.prototxt", trust=False)
    assert not stranger.exists()
    with pytest.raises(PrototxtError, match='has no field "tests_mine_param"'):
        caffe_lite.Net("net.prototxt")
    assert stranger.exists()


def test_layers_that_the_state_leaves_out_may_be_dangerous(stranger):
    layer = PYTHON.replace("python_param", "include { phase: TRAIN } python_param")
    caffe_lite.Net(parse(layer), schema.TEST, trust=False).close()
    with pytest.raises(LayerError, match="runs code"):
        caffe_lite.Net(parse(layer), schema.TRAIN, trust=False)


def test_an_installed_plugin_is_allowed(stranger, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert danger(parse(PLUGIN).layer[1]) == ""


def test_a_module_of_the_working_folder_in_the_place_of_an_installed_one(
    stranger, tmp_path, monkeypatch
):
    """The metadata lies elsewhere, but the module that it names is found in the working folder."""
    other = tmp_path / "installed"
    other.mkdir()
    (tmp_path / "stranger" / "tests_plugin-1.0.dist-info").rename(
        other / "tests_plugin-1.0.dist-info"
    )
    monkeypatch.syspath_prepend(str(other))
    monkeypatch.syspath_prepend(str(tmp_path / "stranger"))
    with pytest.raises(LayerError, match="runs code of the plugin"):
        caffe_lite.Net(parse(PLUGIN), trust=False)
    assert not stranger.exists()


def test_blocks_nest_and_end(monkeypatch):
    monkeypatch.delenv("CAFFE_LITE_SAFE", raising=False)
    assert is_trusted()
    with trusting(False):
        with trusting(None):
            assert not is_trusted()
        with trusting(True):
            assert is_trusted()
        assert not is_trusted()
    for value, trusted in (("1", False), ("0", True), ("", True), ("yes", False)):
        monkeypatch.setenv("CAFFE_LITE_SAFE", value)
        assert is_trusted() == trusted


def test_a_solver_of_the_working_folder(stranger, tmp_path, monkeypatch):
    (tmp_path / "stranger" / "tests_plugin-1.0.dist-info" / "entry_points.txt").write_text(
        "[caffe_lite.solvers]\nTestsMine = tests_plugin:Mine\n"
    )
    monkeypatch.setenv("CAFFE_LITE_SAFE", "1")
    param = text.parse('type: "TestsMine" net: "n" base_lr: 1', schema.SolverParameter)
    with pytest.raises(SolverError, match="found in the working folder .* not trusted"):
        caffe_lite.get_solver(param)
    assert not stranger.exists()
