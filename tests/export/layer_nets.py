"""Nets of one layer with the bottoms of a test case, for the tests of exports."""

import numpy as np

from caffe_lite.export.formats import Job, Options
from caffe_lite.export.inference_net import inference_net
from caffe_lite.nets.net import Net
from caffe_lite.proto import load, schema


def definition(text):
    """The net of a prototxt's text."""
    return load.decode(text.encode(), schema.NetParameter, "net.prototxt")


def random_weights(net, seed=0):
    """Give every learned blob numbers that may be variances, too: positive ones."""
    rng = np.random.default_rng(seed)
    for layer in net.layers:
        for blob in layer.blobs:
            blob.load(rng.uniform(0.5, 1.5, blob.shape))


def job_of(net_definition, options=None, **how):
    """The export of a net with random weights."""
    inference = inference_net(net_definition, **how)
    net = Net(inference.param, seed=0)
    random_weights(net)
    return Job(net, inference, net_definition, options or Options())


def case_net(case):
    """The definition of a net of the case's layer, and its inputs by name."""
    inputs = {f"x{i}": np.asarray(x, np.float32) for i, x in enumerate(case.bottoms)}
    lines = [_input(name, x.shape) for name, x in inputs.items()]
    ends = [f'bottom: "{name}"' for name in inputs]
    if "top:" not in case.text:
        ends += [f'top: "y{i}"' for i in range(case.tops)]
    lines.append(f"layer {{ {case.prototxt} {' '.join(ends)} }}")
    return definition("\n".join(lines)), inputs


def _input(name, shape):
    dims = " ".join(f"dim: {d}" for d in shape)
    param = f"input_param {{ shape {{ {dims} }} }}"
    return f'layer {{ name: "{name}" type: "Input" top: "{name}" {param} }}'
