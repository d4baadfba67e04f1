"""Every layer type as ONNX, run by ONNX Runtime beside the layer."""

import pytest

from caffe_lite.export.onnx.run import runner
from caffe_lite.export.proof import prove
from caffe_lite.export.to import onnx
from caffe_lite.layers.registry import layer_class
from tests.export.layer_nets import case_net, job_of
from tests.layer_cases import CAFFE_CASES as CASES

# Types without a meaning at inference: they read, write or make random numbers, or run code.
NO_INFERENCE = {"Silence", "HDF5Output", "Python", "Input", "DummyData", "DataAugmentation"}


def is_exported(case):
    param = case_net(case)[0].layer[-1]
    cls = layer_class(case.type, param)
    return not (cls.is_loss or cls.is_metric or cls.is_data or case.type in NO_INFERENCE)


EXPORTED = [case for case in CASES if is_exported(case)]


@pytest.mark.parametrize("case", EXPORTED, ids=[f"{c.type}-{i}" for i, c in enumerate(EXPORTED)])
def test_a_layer_computes_the_same(case, tmp_path):
    definition, inputs = case_net(case)
    job = job_of(definition)
    path = tmp_path / "net.onnx"
    onnx.write(job, path)
    run = runner(path, list(job.net.blobs))
    proof = prove(job.net, run, [inputs], 1e-5)
    assert proof.exit_code == 0, proof.text()
    other = onnx.check(job, path)
    assert other.exit_code == 0, other.text()
