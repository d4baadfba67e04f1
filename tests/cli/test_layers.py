import argparse
from importlib.metadata import EntryPoint

import pytest

from caffe_lite import plugins
from caffe_lite.cli import layers
from caffe_lite.errors import LayerError
from caffe_lite.layers import describe
from caffe_lite.layers.registry import layer_sets


def run(*argv):
    parser = argparse.ArgumentParser()
    layers.add_arguments(parser)
    return layers.run(parser.parse_args(argv))


def listed(out):
    """By group, the lines of the types in it."""
    groups, title = {}, ""
    for line in out.splitlines():
        if line.startswith("  "):
            groups[title].append(line)
        else:
            title = line.removesuffix(":")
            groups[title] = []
    return groups


def test_lists_every_type_on_a_line_of_its_family(capsys):
    assert run() == 0
    groups = listed(capsys.readouterr().out)
    for family in layer_sets():
        assert [line.split()[0] for line in groups[family.title]] == family.types()
    assert len(groups["Caffe 1.0"]) == 61
    (sigmoid,) = (line for line in groups["Caffe 1.0"] if line.split()[0] == "Sigmoid")
    assert sigmoid.endswith("  Logistic sigmoid: y = 1 / (1 + exp(-x)).")


def test_a_plugin_that_cannot_be_loaded_leaves_the_others(capsys, monkeypatch):
    point = EntryPoint("Broken", "no_such_module:Broken", "caffe_lite.layers")
    monkeypatch.setattr(
        plugins, "entry_points", lambda group, name="Broken": [point] if name == "Broken" else []
    )
    assert run() == 0
    groups = listed(capsys.readouterr().out)
    assert len(groups["Caffe 1.0"]) == 61
    (broken,) = groups["Plugins"]
    assert 'NOT USABLE: layer type "Broken": its plugin no_such_module:Broken' in broken


def test_prints_the_page_of_a_type(capsys):
    assert run("Convolution") == 0
    assert capsys.readouterr().out == describe.page("Convolution")


def test_unknown_type():
    with pytest.raises(LayerError, match='unknown layer type "conv".*known'):
        run("conv")
    with pytest.raises(LayerError, match='did you mean "Convolution"'):
        run("convolutions")
