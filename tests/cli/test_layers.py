import argparse
from importlib.metadata import EntryPoint

import pytest

from caffe_lite import plugins
from caffe_lite.cli import layers
from caffe_lite.errors import LayerError
from caffe_lite.layers import describe
from caffe_lite.layers.registry import CAFFE


def run(*argv):
    parser = argparse.ArgumentParser()
    layers.add_arguments(parser)
    return layers.run(parser.parse_args(argv))


def test_lists_every_type_on_a_line(capsys):
    assert run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CAFFE.types()) == 61
    assert [line.split()[0] for line in lines] == CAFFE.types()
    assert "Sigmoid                  Logistic sigmoid: y = 1 / (1 + exp(-x))." in lines


def test_a_plugin_that_cannot_be_loaded_leaves_the_others(capsys, monkeypatch):
    point = EntryPoint("Broken", "no_such_module:Broken", "caffe_lite.layers")
    monkeypatch.setattr(
        plugins, "entry_points", lambda group, name="Broken": [point] if name == "Broken" else []
    )
    assert run() == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert sorted(lines) == sorted([*CAFFE.types(), "Broken"])
    assert 'NOT USABLE: layer type "Broken": its plugin no_such_module:Broken' in lines["Broken"]


def test_prints_the_page_of_a_type(capsys):
    assert run("Convolution") == 0
    assert capsys.readouterr().out == describe.page("Convolution")


def test_unknown_type():
    with pytest.raises(LayerError, match='unknown layer type "conv".*known'):
        run("conv")
    with pytest.raises(LayerError, match='did you mean "Convolution"'):
        run("convolutions")
