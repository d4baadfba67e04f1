"""Learned blobs shared between layers by name, and between nets."""

import numpy as np
import pytest

from caffe_lite.errors import LayerError
from caffe_lite.proto import schema
from tests.nets.small_net import SMALL, build

SHARED = """
    layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ dim: 5 dim: 4 }} }} }}
    layer {{ name: "a" type: "InnerProduct" bottom: "x" top: "h"
             param {{ name: "w" {first} }} inner_product_param {{ num_output: 4 bias_term: false
             weight_filler {{ type: "xavier" }} }} }}
    layer {{ name: "b" type: "InnerProduct" bottom: "h" top: "y"
             param {{ name: "w" {second} }} inner_product_param {{ num_output: {outputs}
             bias_term: false {more} }} }}
"""


def shared(first="", second="", outputs=4, more=""):
    return build(
        "force_backward: true"
        + SHARED.format(first=first, second=second, outputs=outputs, more=more)
    )


def test_params_of_one_name_are_one_blob():
    net = shared()
    a, b = net.params["a"][0], net.params["b"][0]
    assert len(net.learnable_params) == 1
    assert b.data.any() and (a.data == b.data).all()
    b.data[1, 2] = 9
    assert a.data[1, 2] == 9
    net.blobs["x"].data[...] = 1
    net.forward()
    net.blobs["y"].diff[...] = 1
    net.backward()
    by_both = np.ones((5, 4)).T @ net.blobs["h"].data + net.blobs["h"].diff.T @ np.ones((5, 4))
    np.testing.assert_allclose(a.diff, by_both)


def test_multipliers_come_from_whichever_user_gives_them():
    net = shared(second="lr_mult: 3 decay_mult: 0.5")
    assert (net.params_lr, net.params_weight_decay) == ([3], [0.5])


def test_multipliers_that_disagree_are_refused():
    with pytest.raises(LayerError, match='param "w" has lr_mult 3 here and 2 in layer "a"; give'):
        shared(first="lr_mult: 2", second="lr_mult: 3")
    with pytest.raises(LayerError, match="decay_mult"):
        shared(first="decay_mult: 2", second="decay_mult: 3")


def test_strict_sharing_needs_equal_shapes_permissive_equal_counts():
    net_text = SHARED.replace("dim: 4", "dim: 8", 1)
    with pytest.raises(LayerError, match=r"blob 0 has shape \(2, 4\), the owner's \(4, 4\)"):
        shared(outputs=2)
    transposed = net_text.replace("num_output: 4", "num_output: 2", 1)
    for mode in ("STRICT", "PERMISSIVE"):
        definition = transposed.format(first="", second=f"share_mode: {mode}", outputs=8, more="")
        if mode == "STRICT":
            with pytest.raises(
                LayerError, match="share_mode: PERMISSIVE requires only equal counts"
            ):
                build(definition)
        else:
            assert build(definition).params["b"][0].shape == (8, 2)


def test_shared_layers_follow_the_other_net(net):
    twin = build(SMALL % "", schema.TEST, seed=99)
    twin.share_trained_layers_with(net)
    net.params["a"][0].data[...] = 4
    assert (twin.params["a"][0].data == 4).all(), "the twin does not see the change"
    narrow = build((SMALL % "").replace("num_output: 4", "num_output: 6"))
    with pytest.raises(LayerError, match="cannot share weights"):
        narrow.share_trained_layers_with(net)


def test_nothing_is_shared_if_one_layer_does_not_fit(net):
    wide = build((SMALL % "").replace("num_output: 2", "num_output: 3").replace("dim: 2", "dim: 3"))
    before = wide.params["a"][0].data.copy()
    with pytest.raises(LayerError, match='layer "b" .* cannot share weights'):
        wide.share_trained_layers_with(net)
    net.params["a"][0].data[...] = 4
    assert (wide.params["a"][0].data == before).all(), "layer a was shared although layer b failed"


PARAMETER = (
    'layer { name: "%s" type: "Parameter" top: "%s" param { name: "w" } '
    "parameter_param { shape { dim: 1 dim: 3 } } } "
)
READER = 'layer { name: "%s" type: "Power" bottom: "%s" top: "%s" } '


@pytest.mark.parametrize(
    "behind",
    [
        READER % ("first", "p", "first"),  # with two readers the net puts a Split there
        'layer { name: "f" type: "Flatten" bottom: "p" top: "p2" flatten_param { axis: 0 } } ',
        'layer { name: "r" type: "Reshape" bottom: "p" top: "p2" '
        "reshape_param { shape { dim: 3 } } } ",
        'layer { name: "c" type: "Concat" bottom: "p" top: "p2" } ',
    ],
    ids=["Split", "Flatten", "Reshape", "Concat"],
)
def test_a_parameter_is_seen_through_layers_that_share_its_memory(behind):
    definition = PARAMETER % ("p", "p") + PARAMETER % ("twin", "q") + behind
    definition += READER % ("last", "p2" if "p2" in behind else "p", "last")
    definition += READER % ("other", "q", "other")

    def seen(net):
        net.forward()
        return [net.blobs[name].data.ravel().tolist() for name in ("last", "other")]

    net, owner = build(definition), build(definition)
    net.learnable_params[0].data[...] = [[1, 2, 3]]
    assert seen(net) == [[1, 2, 3]] * 2
    owner.learnable_params[0].data[...] = [[4, 5, 6]]
    net.share_trained_layers_with(owner)
    assert seen(net) == [[4, 5, 6]] * 2
    reshapes = net.reshapes
    net.share_trained_layers_with(owner)
    assert seen(net) == [[4, 5, 6]] * 2
    assert net.reshapes == reshapes  # what is shared already does not move
