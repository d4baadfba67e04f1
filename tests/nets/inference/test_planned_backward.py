"""Backward after a planned forward: layers have kept what they keep of a plain one."""

import numpy as np
import pytest

from tests.nets.inference.planned_nets import build

CHAIN = """
force_backward: true
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 dim: 4 dim: 5 dim: 2 } } }
layer { name: "bn" type: "BatchNorm" bottom: "x" top: "a" }
layer { name: "scale" type: "Scale" bottom: "a" top: "a" scale_param { bias_term: true
        filler { type: "gaussian" std: 0.7 } } }
layer { name: "sig" type: "Sigmoid" bottom: "a" top: "b" }
layer { name: "pool" type: "Pooling" bottom: "b" top: "c" pooling_param { kernel_size: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "c" top: "d"
        inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
layer { name: "shape" type: "Reshape" bottom: "d" top: "e"
        reshape_param { shape { dim: 3 dim: 1 dim: 6 } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 3 dim: 1 } } }
layer { name: "lstm" type: "LSTM" bottom: "e" bottom: "cont" top: "h"
        recurrent_param { num_output: 2
        weight_filler { type: "gaussian" std: 0.5 } bias_filler { type: "constant" value: 0.1 } } }
layer { name: "power" type: "Power" bottom: "h" top: "h" power_param { scale: 1.5 } }
layer { name: "out" type: "TanH" bottom: "h" top: "out" }
"""


@pytest.mark.parametrize("layers", range(2, 13))
def test_backward_after_a_planned_forward_has_what_layers_keep(layers):
    text_of = CHAIN.split("\nlayer {")
    definition = "\nlayer {".join(text_of[: layers + 1])
    nets = [build(definition), build(definition).optimize()]
    rng = np.random.default_rng(2)
    values = {name: rng.uniform(0.2, 1, nets[0].blobs[name].shape) for name in nets[0].inputs}
    learned = [[rng.uniform(0.3, 1, b.shape) for b in each] for each in nets[0].params.values()]
    diffs = [rng.normal(size=nets[0].blobs[name].shape) for name in nets[0].outputs]
    found = []
    for net in nets:
        for blobs, given in zip(net.params.values(), learned, strict=True):
            for blob, value in zip(blobs, given, strict=True):
                blob.data[...] = value
        for _ in range(2):  # the LSTM carries a state from the first pass
            for name, value in values.items():
                net.blobs[name].data[...] = value
            net.forward()
        for name, diff in zip(net.outputs, diffs, strict=True):
            net.blobs[name].diff[...] = diff
        net.clear_param_diffs()
        net.backward()
        state = [s for layer in net.layers for s in layer.get_state().get("carried", ())]
        found.append(
            [net.blobs["x"].diff.copy(), *(b.diff.copy() for b in net.learnable_params), *state]
        )
    for plain, planned in zip(*found, strict=True):
        np.testing.assert_allclose(planned, plain, rtol=2e-5, atol=1e-5 * np.abs(plain).max())
