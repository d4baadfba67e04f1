"""A planned net gives what the plain net gives, whatever is asked of it."""

import logging

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema, text
from tests.nets.inference.planned_nets import (
    assert_close,
    build,
    conv,
    fill_inputs,
    image,
    layer,
    norm,
    outputs,
    relu,
)

RESIDUAL = (
    image()
    + conv("c1", "data", 5)
    + norm("c1")
    + relu("c1")
    + conv("c2", "c1", 7, kernel=1, pad=0)
    + conv("c3", "c2", 5, more="bias_term: false")
    + layer("sum", "Eltwise", "c1 c3")
    + relu("sum")
    + layer("pool", "Pooling", "sum", None, "pooling_param { kernel_size: 3 stride: 2 }")
    + layer(
        "fc",
        "InnerProduct",
        "pool",
        None,
        'inner_product_param { num_output: 4 weight_filler { type: "xavier" } '
        'bias_filler { type: "gaussian" } }',
    )
    + layer("drop", "Dropout", "fc", "fc")
    + layer("prob", "Softmax", "fc")
)
BRANCHES = (
    image(channels=4)
    + norm("data", "normed")
    + relu("normed", 0.1)
    + layer("cut", "Slice", "normed", "a b", "slice_param { slice_point: 1 }")
    + conv("ca", "a", 3)
    + layer("ea", "ELU", "ca", "ca", "elu_param { alpha: 0.7 }")
    + conv("cb", "b", 6, more="group: 3")
    + layer("pb", "PReLU", "cb", "cb", 'prelu_param { filler { type: "gaussian" std: 0.3 } }')
    + layer("clip", "Clip", "b", None, "clip_param { min: -0.5 max: 0.75 }")
    + layer("all", "Concat", "ca cb clip")
    + layer("lrn", "LRN", "all", None, "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 }")
    + layer("flat", "Flatten", "lrn")
    + layer("tanh", "TanH", "flat")
    + layer("mean", "Pooling", "all", None, "pooling_param { pool: AVE global_pooling: true }")
    + layer("power", "Power", "mean", None, "power_param { scale: 2 shift: -0.3 }")
)
AHEAD = (
    image(channels=6)
    + norm("data", "normed")
    + conv("c1", "normed", 4, kernel=1, pad=0)
    + layer("scale", "Scale", "c1", "scaled", 'scale_param { filler { type: "gaussian" } }')
    + conv("padded", "scaled", 4, more="group: 2")
    + norm("padded", "after")
    + layer("bias", "Bias", "after", None, 'bias_param { filler { type: "gaussian" } }')
    + conv("shifted", "bias", 3)
)
DEFINITIONS = {"residual": RESIDUAL, "branches": BRANCHES, "ahead": AHEAD}


def pair(definition, **options):
    """The same net twice, planned and plain, with equal inputs."""
    nets = build(definition, **options).optimize(), build(definition, **options)
    for net in nets:
        fill_inputs(net)
    return nets


def program(net):
    """What the plan of the whole net runs."""
    return net._planned._parts[len(net.layers) - 1]._program


def blobs_of(net):
    return {name: net.blobs[name].data.copy() for name in net.wiring.blob_names}


@pytest.fixture(params=DEFINITIONS)
def definition(request):
    return DEFINITIONS[request.param]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1, 2])
def test_outputs(definition, dtype, batch):
    definition = definition.replace("dim: 2", f"dim: {batch}", 1)
    planned, plain = pair(definition, dtype=dtype)
    for net in (planned, plain):
        net.forward()
    assert planned._planned.incomplete, "something was fused away"
    assert_close(outputs(planned), outputs(plain), 2e-5 if dtype == "float32" else 1e-12)


def test_on_numpy(definition):
    planned, plain = pair(definition, ops=NumpyOps())
    for net in (planned, plain):
        net.forward()
    assert_close(outputs(planned), outputs(plain))


def test_repeated_runs_do_not_change(definition):
    planned, _ = pair(definition)
    planned.forward()
    first = outputs(planned)
    planned.forward()
    assert_close(outputs(planned), first, 0)


def test_every_blob_can_be_asked_for_after_a_run(definition):
    planned, plain = pair(definition)
    for net in (planned, plain):
        net.forward()
    assert_close(blobs_of(planned), blobs_of(plain))


def test_a_blob_that_was_asked_for_is_filled_by_later_runs(definition):
    planned, plain = pair(definition)
    for name in plain.wiring.blob_names:
        planned, plain = pair(definition)
        planned.forward()
        kept = planned.blobs[name]
        for net in (planned, plain):
            fill_inputs(net, seed=9)
            net.forward()
        assert_close({name: kept.data}, {name: plain.blobs[name].data})


def test_all_blobs_asked_for_at_once(definition):
    planned, plain = pair(definition)
    kept = dict(planned.blobs.items())
    for net in (planned, plain):
        net.forward()
    assert_close({n: b.data for n, b in kept.items()}, blobs_of(plain))


def test_shapes_may_change(definition):
    planned, plain = pair(definition)
    planned.forward()
    for net in (planned, plain):
        net.blobs["data"].reshape(3, net.blobs["data"].shape[1], 9, 11)
        fill_inputs(net, seed=2)
        net.forward()
    assert planned.blobs[planned.outputs[0]].shape[0] == 3
    assert_close(outputs(planned), outputs(plain))


def test_a_reshape_before_the_question_leaves_blobs_alone():
    planned, _ = pair(RESIDUAL)
    planned.forward()
    planned.blobs["data"].reshape(1, 3, 9, 11)
    assert planned.blobs["c2"].shape == (2, 7, 9, 11)


def change(blob):
    blob.data[...] = 2 * blob.data + 0.25


def test_changed_weights_are_noticed(definition):
    planned, plain = pair(definition)
    planned.forward()
    for mine, its in zip(planned.learnable_params, plain.learnable_params, strict=True):
        change(mine)
        change(its)
        for net in (planned, plain):
            net.forward()
        assert_close(outputs(planned), outputs(plain))


def test_a_weight_array_that_somebody_holds_is_noticed():
    planned, plain = pair(RESIDUAL)
    held = planned.params["c1"][0].data[1:2]
    planned.forward()
    planned.forward()
    held[0, 0, 0, 0] = 40
    plain.params["c1"][0].data[1, 0, 0, 0] = 40
    for net in (planned, plain):
        net.forward()
    assert_close(outputs(planned), outputs(plain))


def test_weights_that_are_only_read_leave_the_plan_alone():
    planned, _ = pair(RESIDUAL)
    planned.forward()
    before = program(planned)
    for blob in planned.learnable_params:
        blob.data.sum()
    planned.forward()
    assert program(planned) is before


def test_shared_weights_are_noticed():
    planned, plain = pair(RESIDUAL)
    other = build(RESIDUAL, seed=8)
    planned.forward()
    for net in (planned, plain):
        net.share_trained_layers_with(other)
        net.forward()
    assert_close(outputs(planned), outputs(plain))


def test_hooks_see_every_layer(definition):
    planned, plain = pair(definition)
    planned.forward()
    seen = {}
    for net in (planned, plain):
        mine = seen[net is planned] = []
        net.after_forward.append(
            lambda i, net=net, mine=mine: mine.append(net.top_vecs[i][0].data.copy())
        )
        net.forward()
    for got, wanted in zip(seen[True], seen[False], strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_the_debug_log_has_every_layer(caplog):
    planned, plain = pair(RESIDUAL)
    lines = []
    for net in (planned, plain):
        net.debug_info = True
        caplog.clear()
        with caplog.at_level(logging.INFO, "caffe_lite.net"):
            net.forward()
        lines.append([r.getMessage() for r in caplog.records])
    assert lines[0] == lines[1] and len(lines[0]) > 10


def test_backward_is_that_of_the_plain_net():
    definition = "force_backward: true\n" + RESIDUAL.replace("Softmax", "Power")
    planned, plain = pair(definition, dtype="float64")
    for net in (planned, plain):
        net.forward()
        net.blobs["prob"].diff[...] = np.arange(8).reshape(2, 4)
        net.clear_param_diffs()
        net.backward()
    for mine, its in zip(planned.learnable_params, plain.learnable_params, strict=True):
        np.testing.assert_allclose(mine.diff, its.diff, rtol=1e-9, atol=1e-12)
    planned.forward()
    assert not planned._planned.incomplete, "whoever runs backward once will do it again"


def test_parts_of_the_net(definition):
    planned, plain = pair(definition)
    planned.forward()
    for net in (planned, plain):
        net.forward()
        net.forward(4, 6)
        net.forward(7)
    assert_close(blobs_of(planned), blobs_of(plain))


def test_a_first_part_is_planned_too():
    planned, plain = pair(RESIDUAL)
    middle = planned.layer_index("pool")
    for net in (planned, plain):
        net.forward(0, middle)
    assert planned._planned.incomplete
    for net in (planned, plain):
        fill_inputs(net, seed=4)
        net.forward(middle + 1)
    assert planned._planned.incomplete, "what later layers read was there"
    assert_close(outputs(planned), outputs(plain))
    planned.blobs["prob"].data[...] = 7
    for net in (planned, plain):
        net.forward(0, middle)
    assert (planned.blobs["prob"].data == 7).all(), "a part leaves later blobs alone"
    assert_close({"sum": planned.blobs["sum"].data}, {"sum": plain.blobs["sum"].data})


def test_a_part_after_the_whole_leaves_the_later_blobs_as_they_were():
    planned, plain = pair(RESIDUAL)
    for net in (planned, plain):
        net.forward()
        fill_inputs(net, seed=4)
    # the planned net computes what it left out from the inputs at the time of the question
    before = {name: plain.blobs[name].data.copy() for name in ("fc", "prob")}
    planned.forward(0, 3)
    assert_close({name: planned.blobs[name].data for name in before}, before)


def test_turning_it_off_again():
    planned, plain = pair(RESIDUAL)
    planned.forward()
    planned.optimize(False)
    plain.forward()
    assert_close(blobs_of(planned), blobs_of(plain))
    assert planned._planned is None


def test_a_training_net_is_left_alone():
    net = Net(text.parse(RESIDUAL, schema.NetParameter), schema.TRAIN, get_ops()).optimize()
    assert net._planned is None


def test_folding_leaves_few_steps():
    planned, _ = pair(RESIDUAL)
    planned.forward()
    # Input, c1, c2, c3 with the sum, pool, fc, prob
    assert len(program(planned)._steps) == 7


def test_memory_is_used_again():
    chain = image() + "".join(conv(f"c{i}", f"c{i - 1}" if i else "data", 8) for i in range(9))
    planned, _ = pair(chain)
    planned.forward()
    assert 0 < planned._planned.memory <= 3 * 2 * 16 * 11 * 13 * 4


def test_nan_passes_as_in_the_plain_net():
    nets = pair(image() + conv("c1", "data", 5) + norm("c1") + relu("c1") + conv("c2", "c1", 4))
    found = []
    for net in nets:
        net.blobs["data"].data[0, 0, 4, 4] = np.nan
        net.forward()
        found.append(np.isnan(net.blobs["c2"].data))
    assert found[1].any() and not found[1].all()
    np.testing.assert_array_equal(*found)


def test_weights_without_finite_folds_stay_apart():
    planned, plain = pair(AHEAD)
    for net in (planned, plain):
        net.params["padded"][0].data[...] *= 1e30
        net.params["after_scale"][0].data[...] = 1e30
        net.forward()
    for name, wanted in outputs(plain).items():
        got = outputs(planned)[name]
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(wanted))


def test_completing_a_run_keeps_what_layers_in_place_made():
    chain = image() + "".join(
        conv(name, bottom, 5, kernel=1, pad=0) + rest
        for name, bottom, rest in (("a", "data", relu("a")), ("b", "a", ""), ("c", "b", relu("c")))
    )
    planned, plain = pair(chain)
    for net in (planned, plain):
        net.forward()
    planned.ask_for("a")
    planned.forward()
    planned.ask_for("b")  # left out by that run, as the values before each ReLU were
    assert_close(blobs_of(planned), blobs_of(plain))
    assert_close(outputs(planned), outputs(plain))
