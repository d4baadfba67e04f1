"""The text of modules for PyTorch: it compiles, is complete and readable. Needs no PyTorch."""

import ast
import builtins

import pytest

from caffe_lite.errors import ModelError
from caffe_lite.export.inference_net import inference_net
from caffe_lite.export.preprocess import Preprocess
from caffe_lite.export.torch import registry
from caffe_lite.export.torch.helper_source import helpers, needed
from caffe_lite.export.torch.module import generate
from caffe_lite.export.torch.names import MODULE_NAMES, Names
from caffe_lite.export.torch.registry import emitters
from caffe_lite.layers.registry import layer_class, layer_types
from caffe_lite.layers.relu import ReLU
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from tests.export.torch_cases import EXPORTED, IDS, job_of, module_of

NET = """
name: "small net"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 2 dim: 3 dim: 8 dim: 6 } } }
layer { name: "conv1/3x3" type: "Convolution" bottom: "data" top: "conv1/3x3"
        convolution_param { num_output: 4 kernel_size: 3 stride: 2 } }
layer { name: "relu" type: "ReLU" bottom: "conv1/3x3" top: "conv1/3x3" }
layer { name: "eval" type: "Pooling" bottom: "conv1/3x3" top: "pool"
        pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "3" type: "InnerProduct" bottom: "pool" top: "for"
        inner_product_param { num_output: 5 } }
layer { name: "prob" type: "Softmax" bottom: "for" top: "prob" }
"""


def module(prototxt, preprocess=Preprocess()):  # noqa: B008
    inference = inference_net(text.parse(prototxt, schema.NetParameter))
    with Net(inference.param, seed=0) as net:
        return generate(net, inference.param, inference.outputs, "small.prototxt", preprocess)


def test_a_net_reads_like_its_definition():
    made = module(NET)
    body = made.text[made.text.index("class Net") :]
    assert "self.conv1_3x3 = nn.Conv2d(3, 4, 3, stride=2)" in body
    assert "self.eval_2 = nn.AvgPool2d(2, 2, ceil_mode=True)" in body
    assert "self.n3 = nn.Linear(8, 5)" in body
    lines = [line.strip() for line in body.splitlines()]
    start = lines.index("def forward(self, data):")
    assert lines[start + 1 : start + 7] == [
        "conv1_3x3 = self.conv1_3x3(data)",
        "conv1_3x3 = self.relu(conv1_3x3)",
        "pool = self.eval_2(conv1_3x3)",
        "for_2 = self.n3(pool.flatten(1))",
        "prob = self.prob(for_2)",
        "return prob",
    ]
    assert "LAYERS = {'conv1_3x3': 'conv1/3x3', 'eval_2': 'eval', 'n3': '3'}" in made.text
    assert "BLOBS = {'conv1_3x3': 'conv1/3x3', 'for_2': 'for'}" in made.text
    assert set(made.tensors) == {"conv1_3x3.weight", "conv1_3x3.bias", "n3.weight", "n3.bias"}
    assert made.text.count("def ") == 4  # read_safetensors, __init__, forward, load


def test_preprocessing_is_part_of_it():
    import numpy as np

    made = module(NET, Preprocess(np.array([1, 2, 3], np.float32), 0.5, True))
    assert "data = (data.flip(1) - self.data_mean) * 0.5  # RGB to BGR, minus the mean" in made.text
    assert made.constants["data_mean"].shape == (3, 1, 1)


@pytest.mark.parametrize("case", EXPORTED, ids=IDS)
def test_every_layers_code_is_complete(case):
    """It compiles, uses no name that is not there, and fits a line or two."""
    job, _ = job_of(case)
    with job.net:
        try:
            made = module_of(job)
        except ModelError as error:
            assert str(error).startswith('layer "mine" (')
            return
    tree = ast.parse(made.text)
    assert undefined(tree) == set()
    assert "caffe_lite" not in "\n".join(made.text.splitlines()[1:])


def undefined(tree):
    """Names that a module reads and nothing defines."""
    defined = set(dir(builtins)) | {"__file__"}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            defined.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            defined |= {(each.asname or each.name).split(".")[0] for each in node.names}
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            defined.add(node.id)
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return used - defined


def test_helpers_say_why_they_are_there():
    for name, helper in helpers().items():
        node = ast.parse(helper.text).body[0]
        doc = ast.get_docstring(node) or ""
        assert 20 < len(doc.splitlines()[0]) < 100, name
    assert needed("y = spp(x)") == ["pooled", "padded_for", "max_pool", "ave_pool", "spp"]


def test_a_layer_without_a_translation_is_named(monkeypatch):
    known = {cls: emitter for cls, emitter in emitters().items() if cls is not ReLU}
    monkeypatch.setattr(registry, "emitters", lambda: known)
    with pytest.raises(ModelError, match=r'^layer "relu" \(ReLU\): has no translation'):
        module(NET)


def test_names():
    names = Names({"taken"})
    wanted = ["a/b", "a_b", "taken", "class", "match", "1", "é", "a/b", ""]
    made = [names(each) for each in wanted]
    assert made == ["a_b", "a_b_2", "taken_2", "class_2", "match_2", "n1", "n_", "a_b", "n"]
    assert names.renamed["n1"] == "1" and "a_b_2" in names.renamed


def test_every_class_that_has_an_emitter_is_a_layer():
    known = {layer_class(name, schema.LayerParameter(type=name)) for name in layer_types()}
    assert len(emitters()) > 80
    assert known & emitters().keys()


def test_what_modules_of_pytorch_have():
    torch = pytest.importorskip("torch", reason="needs PyTorch (the extra torch)")
    public = {name for name in dir(torch.nn.Module()) if not name.startswith("_")}
    assert public <= MODULE_NAMES


def test_names_that_would_break_out_of_the_text():
    net = text.parse(NET, schema.NetParameter)
    net.name = 'x"""\nimport os\n"""'
    net.layer[4].name = '3"; import os\n#'
    tree = ast.parse(module(text.format(net)).text)
    imported = [each.name for n in tree.body if isinstance(n, ast.Import) for each in n.names]
    assert sorted(imported) == ["json", "torch"]
