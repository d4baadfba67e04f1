"""Definitions for tests of inference plans, and a comparison of a planned net with a plain one."""

import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text

TOLERANCE = 2e-5  # of the largest value of a blob


def layer(name, kind, bottom, top=None, more=""):
    """One layer; `bottom` and `top` are names separated by blanks, top is the name by default."""
    names = "".join(f' bottom: "{b}"' for b in bottom.split())
    names += "".join(f' top: "{t}"' for t in (top or name).split())
    return f'layer {{ name: "{name}" type: "{kind}"{names} {more} }}\n'


def image(batch=2, channels=3, height=9, width=11, top="data"):
    dims = " ".join(f"dim: {d}" for d in (batch, channels, height, width))
    return layer(top, "Input", "", top, f"input_param {{ shape {{ {dims} }} }}")


def conv(name, bottom, outputs, kernel=3, pad=1, stride=1, more="", top=None):
    return layer(
        name,
        "Convolution",
        bottom,
        top,
        f"convolution_param {{ num_output: {outputs} kernel_size: {kernel} pad: {pad} "
        f'stride: {stride} {more} weight_filler {{ type: "gaussian" std: 0.2 }} '
        'bias_filler { type: "gaussian" std: 0.5 } }',
    )


def relu(bottom, slope=0.0):
    return layer(
        f"{bottom}_relu", "ReLU", bottom, bottom, f"relu_param {{ negative_slope: {slope} }}"
    )


def norm(bottom, top=None):
    """BatchNorm and Scale."""
    top = top or bottom
    scale = (
        'scale_param { bias_term: true filler { type: "gaussian" mean: 1 std: 0.3 } '
        'bias_filler { type: "gaussian" std: 0.4 } }'
    )
    return layer(f"{top}_bn", "BatchNorm", bottom, top) + layer(
        f"{top}_scale", "Scale", top, top, scale
    )


def build(definition, dtype="float32", seed=1, ops=None):
    net = Net(
        text.parse(definition, schema.NetParameter),
        schema.TEST,
        ops or get_ops(dtype=dtype),
        seed=seed,
    )
    fill_statistics(net)
    return net


def fill_statistics(net):
    """Means and variances of BatchNorm layers that change what passes."""
    rng = np.random.default_rng(5)
    for each in net.layers:
        if each.type == "BatchNorm":
            mean, var, factor = each.blobs[:3]
            mean.data[...] = rng.normal(size=mean.shape)
            var.data[...] = rng.uniform(1, 4, var.shape)
            factor.data[...] = 2


def fill_inputs(net, seed=0):
    rng = np.random.default_rng(seed)
    for name in net.inputs:
        net.blobs[name].data[...] = rng.normal(size=net.blobs[name].shape)


def outputs(net):
    return {name: net.blobs[name].data.copy() for name in net.outputs}


def assert_close(got, wanted, tolerance=TOLERANCE):
    assert got.keys() == wanted.keys()
    for name, expected in wanted.items():
        worst = np.abs(got[name] - expected).max()
        assert worst <= tolerance * np.abs(expected).max(), (name, worst)
