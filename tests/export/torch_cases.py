"""Nets of one layer, for the tests of exports to PyTorch."""

import numpy as np

from caffe_lite.export.formats import Job, Options
from caffe_lite.export.inference_net import InferenceNet
from caffe_lite.export.preprocess import Preprocess
from caffe_lite.export.torch.module import generate
from caffe_lite.layers.registry import layer_class
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from tests.layer_cases import CASES

# They read, write or run code, or need the TRAIN phase.
NO_INFERENCE = {"Silence", "HDF5Output", "Python", "Input", "DataAugmentation"}
TRAINING = {"ProposalTarget", "BoxAnnotatorOHEM", "LabelSpecificAdd", "DecodeBBox"}


def case_net(case):
    """The definition of a net of the case's layer, and its inputs by name."""
    inputs = {f"x{i}": np.asarray(x, np.float32) for i, x in enumerate(case.bottoms)}
    net = schema.NetParameter(name="case")
    net.state.phase = schema.TEST
    for name, x in inputs.items():
        layer = net.layer.add(name=name, type="Input", top=[name])
        layer.input_param.shape.add(dim=x.shape)
    layer = net.layer.add()
    layer.CopyFrom(text.parse(f"layer {{ {case.prototxt} }}", schema.NetParameter).layer[0])
    layer.ClearField("phase")
    layer.bottom[:] = inputs
    layer.top[:] = [f"y{i}" for i in range(case.tops)]
    return net, inputs


def is_exported(case):
    net, _ = case_net(case)
    cls = layer_class(case.type, net.layer[-1])
    left_out = cls.is_loss or cls.is_metric or cls.is_data
    return not left_out and case.type not in NO_INFERENCE | TRAINING


EXPORTED = [case for case in CASES if is_exported(case)]
IDS = [f"{case.type}-{i}" for i, case in enumerate(EXPORTED)]


def job_of(case, options=None):
    """The export of a case's net with random weights, which may be variances too, and its inputs.

    The whole layer is kept, also tops that nothing takes.
    """
    param, inputs = case_net(case)
    shapes = {name: x.shape for name, x in inputs.items()}
    inference = InferenceNet(param, shapes, tuple(param.layer[-1].top), ())
    net = Net(param, seed=0)
    rng = np.random.default_rng(1)
    for layer in net.layers:
        for blob in layer.blobs:
            blob.load(rng.uniform(0.5, 1.5, blob.shape))
    return Job(net, inference, param, options or Options()), inputs


def module_of(job):
    return generate(job.net, job.inference.param, job.inference.outputs, "", Preprocess())
