"""Net: sharing, losses, reshape, running parts of it, states and weights."""

import logging

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.backend.cuda import OutOfDeviceMemoryError
from caffe_lite.errors import BackendError, CaffeError, LayerError, ModelError
from caffe_lite.layers.euclidean_loss import EuclideanLoss
from caffe_lite.net import Net
from caffe_lite.proto import schema, text

SMALL = """
    name: "small"
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 5 dim: 3 } } }
    layer { name: "target" type: "Input" top: "t" input_param { shape { dim: 5 dim: 2 } } }
    layer { name: "a" type: "InnerProduct" bottom: "x" top: "h"
            inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
    layer { name: "r" type: "ReLU" bottom: "h" top: "h" }
    layer { name: "b" type: "InnerProduct" bottom: "h" top: "y"
            inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" %s }
"""


def build(definition, phase=schema.TRAIN, seed=7, **options):
    return Net(
        text.parse(definition, schema.NetParameter),
        phase,
        get_ops(dtype="float64"),
        seed=seed,
        **options,
    )


def test_errors_of_blobs_name_the_layer():
    with pytest.raises(LayerError, match=r'layer "t" \(Tile\): .* got 2 x 99999999'):
        build(
            'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 9 } } } '
            'layer { name: "t" type: "Tile" bottom: "x" top: "y" tile_param { tiles: 1111111111 }'
            " }"
        )


def test_a_layer_that_fails_in_setup_is_closed_quietly():
    with pytest.raises(LayerError, match="needs hdf5_output_param"):
        build(
            'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 9 } } } '
            'layer { name: "out" type: "HDF5Output" bottom: "x" bottom: "x" }'
        )


@pytest.fixture
def net():
    net = build(SMALL % "")
    rng = np.random.default_rng(0)
    net.blobs["x"].data[...] = rng.normal(size=(5, 3))
    net.blobs["t"].data[...] = rng.normal(size=(5, 2))
    return net


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
    assert not any(blob.diff.any() for blob in net.learnable_params)


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
    assert (weight == second.params["a"][0].data).all()
    assert (weight != other.params["a"][0].data).any()
    assert (first.params["a"][0].data[:2] != first.params["b"][0].data[:, :3]).any()


def test_running_parts_of_the_net(net):
    net.forward(0, net.layer_index("r"))
    assert not net.blobs["y"].data.any()
    net.forward(net.layer_index("b"))
    np.testing.assert_allclose(net.loss(), by_hand(net)[1])
    net.backward(end=net.layer_index("b"))
    assert net.params["b"][0].diff.any() and not net.params["a"][0].diff.any()
    net.backward(net.layer_index("r"))
    assert net.params["a"][0].diff.any()


def test_positions_outside_the_net_are_refused(net):
    with pytest.raises(CaffeError, match='net "small" has layers 0 to 5, got 9'):
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
    with pytest.raises(LayerError, match='param "w" has lr_mult 3 here and 2 in layer "a"'):
        shared(first="lr_mult: 2", second="lr_mult: 3")
    with pytest.raises(LayerError, match="decay_mult"):
        shared(first="decay_mult: 2", second="decay_mult: 3")


def test_strict_sharing_needs_equal_shapes_permissive_equal_counts():
    net_text = SHARED.replace("dim: 4", "dim: 8", 1)
    with pytest.raises(LayerError, match=r"blob 0 is \(2, 4\), the owner's \(4, 4\)"):
        shared(outputs=2)
    transposed = net_text.replace("num_output: 4", "num_output: 2", 1)
    for mode in ("STRICT", "PERMISSIVE"):
        definition = transposed.format(first="", second=f"share_mode: {mode}", outputs=8, more="")
        if mode == "STRICT":
            with pytest.raises(LayerError, match="share_mode: PERMISSIVE asks for equal counts"):
                build(definition)
        else:
            assert build(definition).params["b"][0].shape == (8, 2)


def test_shared_layers_follow_the_other_net(net):
    twin = build(SMALL % "", schema.TEST, seed=99)
    twin.share_trained_layers_with(net)
    net.params["a"][0].data[...] = 4
    assert (twin.params["a"][0].data == 4).all()
    narrow = build((SMALL % "").replace("num_output: 4", "num_output: 6"))
    with pytest.raises(LayerError, match="cannot share weights"):
        narrow.share_trained_layers_with(net)


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
    assert (fresh.blobs["y"].data == expected).all()


def test_debug_info_logs_magnitudes(caplog):
    net = build("debug_info: true force_backward: true " + SMALL % "")
    for name in ("x", "t"):
        net.blobs[name].data[...] = 2
    with caplog.at_level(logging.INFO, "caffe_lite.net"):
        net.forward()
        net.backward()
    lines = [record.getMessage() for record in caplog.records]
    assert "    [Forward] Layer in, top blob x data: 2" in lines
    assert any(line.startswith("    [Forward] Layer a, param blob 0 data: ") for line in lines)
    assert any(line.startswith("    [Backward] Layer b, bottom blob h diff: ") for line in lines)
    assert any("All net params (data, diff): L1 norm = (" in line for line in lines)


def test_building_logs_the_wiring(caplog):
    with caplog.at_level(logging.INFO, "caffe_lite.net"):
        build(SMALL % "")
    lines = [record.getMessage() for record in caplog.records]
    for line in (
        "Creating Layer a",
        "a <- x",
        "a -> h",
        "r -> h (in-place)",
        "Setting up a",
        "Top shape: 5 4 (20)",
        "    with loss weight 1",
        "a needs backward computation.",
        "in does not need backward computation.",
        "This network produces output loss",
        "Network initialization done.",
    ):
        assert line in lines


@pytest.mark.parametrize(("options", "expected"), [({}, ["low"]), ({"level": 1}, ["high"])])
def test_a_net_is_of_level_0_unless_told(options, expected):
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


def test_closing_gives_memory_back(net):
    with net:
        net.forward()
        assert net.blobs["y"].has_data
    assert not net.blobs["y"].has_data


def test_describing_a_net_takes_no_memory():
    net = build(SMALL % "")
    assert not any(blob.has_data for blob in net.learnable_params)


def test_a_device_without_memory_tells_the_largest_blobs(net, monkeypatch):
    def fail(*_):
        raise OutOfDeviceMemoryError("gpu:0: no memory for an array of shape (9,)")

    monkeypatch.setattr(net.layers[net.layer_index("b")], "forward", fail)
    with pytest.raises(BackendError, match=r"the net's largest blobs: h 5x4 \(0 MiB\), x 5x3"):
        net.forward()


@pytest.mark.parametrize(
    ("said", "told"), [("no room for 9 GiB", "no room for 9 GiB"), ("", "out of memory")]
)
def test_a_host_without_memory_tells_the_largest_blobs(net, monkeypatch, said, told):
    def fail(*_):
        raise MemoryError(said)

    monkeypatch.setattr(net.layers[net.layer_index("b")], "backward", fail)
    net.forward()
    with pytest.raises(BackendError, match=rf"^{told}; the net's largest blobs: h 5x4"):
        net.backward()


def test_memory_may_end_while_a_net_is_built(monkeypatch):
    def fail(*_):
        raise OutOfDeviceMemoryError("gpu:0: no memory for an array of shape (9,)")

    monkeypatch.setattr(EuclideanLoss, "reshape", fail)
    with pytest.raises(BackendError, match=r"the net's largest blobs: h 5x4 \(0 MiB\), x 5x3"):
        build(SMALL % "")


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
