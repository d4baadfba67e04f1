"""Every layer type as ONNX, run by ONNX Runtime beside the layer."""

import pytest

from caffe_lite.errors import ModelError
from caffe_lite.export.onnx.model import exported_axes
from caffe_lite.export.onnx.registry import has_translator
from caffe_lite.export.onnx.run import runner
from caffe_lite.export.proof import prove
from caffe_lite.export.to import onnx
from caffe_lite.export.trials import trials
from caffe_lite.layers.registry import layer_class
from tests.export.layer_nets import case_net, job_of
from tests.layer_cases import CASES

# Types that are no part of a model: they end a net, run code or are inputs.
NO_INFERENCE = {"Silence", "HDF5Output", "Python", "Input", "DummyData"}
REFUSED = {
    "ProposalTarget": "it chooses regions to train on",
    "BoxAnnotatorOHEM": "it chooses regions to train on",
    "HardMining": "it chooses regions to train on",
    "MarginInnerProduct": "its margin changes with every pass",
}


def is_exported(case):
    param = case_net(case)[0].layer[-1]
    cls = layer_class(case.type, param)
    if case.type == "DecodeBBox" or "sample_weights_test" in case.text:
        return False  # with bottoms of training alone, or random; their own tests are below
    no_part = cls.is_loss or cls.is_metric or cls.is_data or case.type in NO_INFERENCE
    return not no_part and has_translator(cls)


EXPORTED = [case for case in CASES if is_exported(case) and case.type not in REFUSED]


@pytest.mark.parametrize("case", EXPORTED, ids=[f"{c.type}-{i}" for i, c in enumerate(EXPORTED)])
def test_a_layer_computes_the_same(case, tmp_path):
    definition, inputs = case_net(case)
    job = job_of(definition)
    path = tmp_path / "net.onnx"
    onnx.write(job, path)
    others = trials(job.net, exported_axes(job.net))[1:]
    proof = prove(job.net, runner(path, list(job.net.blobs)), [inputs, *others], 1e-5)
    assert proof.exit_code == 0, proof.text()


@pytest.mark.parametrize("case", [c for c in CASES if c.type in REFUSED], ids=lambda c: c.type)
def test_what_has_no_translation_is_refused(case, tmp_path):
    job = job_of(case_net(case)[0])
    with pytest.raises(ModelError, match=f'"mine".*{case.type}.*{REFUSED[case.type]}'):
        onnx.write(job, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())
