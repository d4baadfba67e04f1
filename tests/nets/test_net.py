"""Net: losses, gradients, reshape, running parts of it, levels and stages, states."""

import numpy as np
import pytest

from caffe_lite.errors import CaffeError, LayerError, ModelError
from tests.nets.small_net import SMALL, build


def test_errors_of_blobs_name_the_layer():
    with pytest.raises(LayerError, match=r'layer "t" \(Tile\): .* got 2 x 99999999'):
        build(
            'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 9 } } } '
            'layer { name: "t" type: "Tile" bottom: "x" top: "y" tile_param { tiles: 1111111111 }'
            " }"
        )


def by_hand(net):
    weights = [[blob.data for blob in net.params[name]] for name in "ab"]
    hidden = np.maximum(net.blobs["x"].data @ weights[0][0].T + weights[0][1], 0)
    y = hidden @ weights[1][0].T + weights[1][1]
    return y, ((y - net.blobs["t"].data) ** 2).sum() / 10


def test_forward_and_loss(net):
    net.forward()
    y, loss = by_hand(net)
    np.testing.assert_allclose(net.blobs["y"].data, y)
    np.testing.assert_allclose(net.loss(), loss)
    assert net.outputs == ["loss"] and net.inputs == ["x", "t"]


def test_gradients_of_learned_blobs_against_differences(net):
    net.forward()
    net.backward()
    weight = net.params["a"][0]
    gradient = weight.diff.copy()
    for index in np.ndindex(4, 3):
        values = []
        for step in (1e-5, -2e-5):
            weight.data[index] += step
            net.forward()
            values.append(float(net.loss()))
        weight.data[index] += 1e-5
        np.testing.assert_allclose(gradient[index], (values[0] - values[1]) / 2e-5, atol=1e-8)


def test_gradients_add_up_until_they_are_cleared(net):
    net.forward()
    net.backward()
    once = net.params["b"][0].diff.copy()
    net.backward()
    np.testing.assert_allclose(net.params["b"][0].diff, 2 * once)
    net.clear_param_diffs()
    assert not any(blob.diff.any() for blob in net.learnable_params), "a gradient was not cleared"


def test_loss_weights_scale_loss_and_gradient(net):
    net.forward()
    net.backward()
    heavy = build(SMALL % "loss_weight: 3")
    for name in ("x", "t"):
        heavy.blobs[name].data[...] = net.blobs[name].data
    heavy.share_trained_layers_with(net)
    heavy.forward()
    heavy.backward()
    np.testing.assert_allclose(heavy.loss(), 3 * net.loss())
    np.testing.assert_allclose(heavy.params["a"][1].diff, 3 * net.params["a"][1].diff)
    assert heavy.blob_loss_weights["loss"] == 3 and heavy.blob_loss_weights["y"] == 0


def test_a_loss_used_by_another_layer_counts_once():
    net = build(
        SMALL % "loss_weight: 2" + 'layer { name: "p" type: "Power" bottom: "loss" top: "twice" '
        "power_param { scale: 2 } }"
    )
    net.blobs["t"].data[...] = 1
    net.forward()
    np.testing.assert_allclose(net.loss(), 2 * net.blobs["loss"].data)
    net.backward()
    np.testing.assert_allclose(
        net.params["b"][1].diff, 2 * (net.blobs["y"].data - 1).sum(axis=0) / 5
    )


def test_weight_on_a_wide_top_is_a_sum(net):
    wide = build("""
        layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "p" type: "Power" bottom: "x" top: "y" loss_weight: 0.5 }""")
    wide.blobs["x"].data[...] = np.arange(6).reshape(2, 3)
    wide.forward()
    assert wide.loss() == 7.5
    assert (wide.blobs["y"].diff == 0.5).all()


def test_several_losses_add_up_and_none_is_zero():
    data = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } } '
    power = 'layer { name: "%s" type: "Power" bottom: "x" top: "%s" power_param { power: %d } %s } '
    net = build(
        data
        + power % ("p", "p", 1, "loss_weight: 0.5")
        + power % ("q", "q", 2, "loss_weight: -2")
        + 'layer { name: "r" type: "Reduction" bottom: "x" top: "r" loss_weight: 1 }'
    )
    net.blobs["x"].data[...] = np.arange(6).reshape(2, 3)
    net.forward()
    assert net.loss() == 0.5 * 15 - 2 * 55 + 15
    silent = build(data + power % ("p", "p", 1, ""))
    silent.blobs["x"].data[...] = 1
    silent.forward()
    assert silent.loss() == 0


def test_one_seed_gives_one_net():
    first, second, other = build(SMALL % ""), build(SMALL % ""), build(SMALL % "", seed=8)
    weight = first.params["a"][0].data
    assert (weight == second.params["a"][0].data).all(), "one seed, two nets"
    assert (weight != other.params["a"][0].data).any(), "two seeds, one net"
    assert (first.params["a"][0].data[:2] != first.params["b"][0].data[:, :3]).any(), (
        "two layers have the same random numbers"
    )


def test_running_parts_of_the_net(net):
    net.forward(0, net.layer_index("r"))
    assert not net.blobs["y"].data.any(), "a layer behind the end ran"
    net.forward(net.layer_index("b"))
    np.testing.assert_allclose(net.loss(), by_hand(net)[1])
    net.backward(end=net.layer_index("b"))
    assert net.params["b"][0].diff.any() and not net.params["a"][0].diff.any()
    net.backward(net.layer_index("r"))
    assert net.params["a"][0].diff.any(), "backward did not reach the first layer"


def test_positions_outside_the_net_are_refused(net):
    with pytest.raises(CaffeError, match='net "small" has layers 0 to 5, got position 9'):
        net.forward(0, 9)
    with pytest.raises(ModelError, match='has no layer "rr"; did you mean "r"'):
        net.layer_index("rr")


def test_a_changed_input_shape_goes_through_the_net(net):
    for count in (7, 2):
        net.blobs["x"].reshape(count, 3)
        net.blobs["t"].reshape(count, 2)
        net.blobs["x"].data[...] = 0.5
        net.forward()
        assert net.blobs["y"].shape == (count, 2)
        np.testing.assert_allclose(net.blobs["y"].data, by_hand(net)[0])
    net.blobs["x"].reshape(3, 3)
    net.blobs["t"].reshape(3, 2)
    net.reshape()
    assert net.blobs["y"].shape == (3, 2)


def test_hooks_see_every_layer(net):
    seen = []
    net.before_forward.append(lambda i: seen.append(("before", i)))
    net.after_forward.append(lambda i: seen.append(("after", i)))
    net.before_backward.append(lambda i: seen.append(("down", i)))
    net.after_backward.append(lambda i: seen.append(("done", i)))
    net.forward(1, 2)
    net.backward(3, 3)
    assert seen == [
        ("before", 1),
        ("after", 1),
        ("before", 2),
        ("after", 2),
        ("down", 3),
        ("done", 3),
    ]


def test_state_names_layers_and_resumes_them():
    definition = """
        layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 50 } } }
        layer { name: "drop" type: "Dropout" bottom: "x" top: "y" }"""
    net = build(definition)
    net.blobs["x"].data[...] = 1
    net.forward()
    state = net.get_state()
    assert list(state) == ["drop"]
    net.forward()
    expected = net.blobs["y"].data.copy()
    fresh = build(definition, seed=1)
    fresh.blobs["x"].data[...] = 1
    fresh.set_state(state)
    fresh.forward()
    assert (fresh.blobs["y"].data == expected).all(), "dropout does not continue from the state"


@pytest.mark.parametrize(("options", "expected"), [({}, ["low"]), ({"level": 1}, ["high"])])
def test_the_default_level_is_0(options, expected):
    layer = 'layer { name: "%s" type: "Input" top: "x" input_param { shape { dim: 1 } } %s } '
    definition = layer % ("low", "include { max_level: 0 }")
    definition += layer % ("high", "include { min_level: 1 }")
    assert build(definition, **options).layer_names == expected


def test_stages_and_level_add_to_the_nets_own_state():
    definition = (
        'state { stage: "own" } '
        + SMALL % ""
        + """
        layer { name: "extra" type: "Power" bottom: "y" top: "z" include { stage: "more"
                stage: "own" min_level: 2 } }"""
    )
    assert "extra" in build(definition, stages=["more"], level=2).layer_names
    assert "extra" not in build(definition, stages=["more"]).layer_names


def test_a_loss_that_is_kept_stays_what_it_was(net):
    net.forward()
    kept, value = net.loss(), float(net.loss())
    net.blobs["x"].data[...] += 1
    net.forward()
    assert float(kept) == value != float(net.loss())


def test_infinities_pass_without_warnings(net):
    net.blobs["x"].data[...] = np.inf
    net.forward()
    net.backward()
    assert np.isnan(net.loss())
