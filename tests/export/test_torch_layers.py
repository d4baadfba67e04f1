"""Every layer type as a PyTorch module, run beside the layer: values and gradients."""

import pytest

from caffe_lite.errors import ModelError
from caffe_lite.export.proof import prove
from caffe_lite.export.to import torch as to_torch
from tests.export.torch_cases import EXPORTED, IDS, job_of, module_of

pytest.importorskip("torch", reason="needs PyTorch (the extra torch)")


@pytest.mark.parametrize("case", EXPORTED, ids=IDS)
def test_values_and_gradients(case, tmp_path):
    from caffe_lite.export.torch.gradients import compare_gradients, net_in_double
    from caffe_lite.export.torch.run import load_net, run_arrays

    job, inputs = job_of(case)
    path = tmp_path / "net.py"
    try:
        to_torch.write(job, path)
    except ModelError as error:
        pytest.skip(str(error))
    module, net = module_of(job), load_net(path)
    with job.net:
        run = lambda values: run_arrays(net, module.variables, values)  # noqa: E731
        proof = prove(job.net, run, [inputs], 1e-5)
        assert proof.exit_code == 0, proof.text()
        double = net_in_double(job.net, job.inference)
    with double.net:
        module = module_of_double(double)
        proof.rows, proof.notes = compare_gradients(net.double(), module, double, inputs)
        assert proof.first_difference is None, proof.text()


def module_of_double(double):
    from caffe_lite.export.preprocess import Preprocess
    from caffe_lite.export.torch.module import generate

    return generate(double.net, double.param, double.outputs, "", Preprocess())
