"""Which nets a solver builds, in which states, and what they start from."""

import os

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.errors import CaffeError, ModelError, PrototxtError, SolverError
from caffe_lite.proto import schema, text
from caffe_lite.solvers import default_ops, events, get_solver, solver_types
from caffe_lite.weights import write_caffemodel
from tests.solvers.solver_nets import Recorder, make_solver

FIXED = 'base_lr: 0.5 lr_policy: "fixed" random_seed: 1 '

# Each layer is there in some states only; its name is the answer.
STAGED = """
layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { dim: 2 dim: 3 } } }
layer { name: "train" type: "Power" bottom: "data" top: "a" include { phase: TRAIN } }
layer { name: "test" type: "Power" bottom: "data" top: "b" include { phase: TEST } }
layer { name: "level1" type: "Power" bottom: "data" top: "c" include { min_level: 1 } }
layer { name: "red" type: "Power" bottom: "data" top: "d" include { stage: "red" } }
layer { name: "blue" type: "Power" bottom: "data" top: "e" include { stage: "blue" } }
"""


def layers(net):
    return [layer.name for layer in net.layers if layer.type == "Power"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("net", "other", "third"):
        (tmp_path / f"{name}.prototxt").write_text(f'name: "{name}"\n{STAGED}')
    return tmp_path


def build(settings, **options):
    return get_solver(text.parse(FIXED + settings, schema.SolverParameter), get_ops(), **options)


@pytest.mark.parametrize(
    ("settings", "train", "tests"),
    [
        ('net: "net.prototxt"', "net", []),
        ('net: "net.prototxt" test_iter: 1 test_iter: 1', "net", ["net", "net"]),
        ('train_net: "net.prototxt"', "net", []),
        (
            'train_net: "net.prototxt" test_net: "other.prototxt" test_net: "third.prototxt" '
            "test_iter: 1 test_iter: 1",
            "net",
            ["other", "third"],
        ),
        (
            'net: "net.prototxt" test_net: "other.prototxt" test_iter: 1 test_iter: 1',
            "net",
            ["other", "net"],
        ),
        (
            'net_param { name: "in" } test_net_param { name: "own" } test_net: "other.prototxt" '
            "test_iter: 1 test_iter: 1 test_iter: 1",
            "in",
            ["own", "other", "in"],
        ),
        ('train_net_param { name: "in" } test_net: "third.prototxt" test_iter: 1', "in", ["third"]),
        ('net: "net.prototxt" test_net: "other.prototxt" test_iter: 1', "net", ["other"]),
    ],
)
def test_nets_by_field(here, settings, train, tests):
    recorder = Recorder()
    solver = build(settings + (" test_interval: 5" if tests else ""), listeners=[recorder])
    assert solver.net.name == train
    assert [net.name for net in solver.test_nets] == tests
    assert solver.net.phase == schema.TRAIN
    assert all(net.phase == schema.TEST for net in solver.test_nets)
    created = recorder.of(events.NetCreating)
    assert [event.test_index for event in created] == [None, *range(len(tests))]
    assert all(event.source for event in created)


def test_sources_are_told_as_caffe_tells_them(here):
    recorder = Recorder()
    build(
        'net: "net.prototxt" test_net: "other.prototxt" test_net_param { } test_iter: 1 '
        "test_iter: 1 test_iter: 1 test_interval: 1",
        listeners=[recorder],
    )
    assert [event.source for event in recorder.of(events.NetCreating)] == [
        "net file: net.prototxt",
        "test_net_param",
        "test_net file: other.prototxt",
        "net file: net.prototxt",
    ]


def test_states(here):
    solver = build(
        'net: "net.prototxt" train_state { stage: "red" } '
        'test_state { stage: "blue" level: 1 } test_state { stage: "red" stage: "blue" }'
        " test_iter: 1 test_iter: 1 test_interval: 1"
    )
    assert layers(solver.net) == ["train", "red"]
    assert layers(solver.test_nets[0]) == ["test", "level1", "blue"]
    assert layers(solver.test_nets[1]) == ["test", "red", "blue"]


def test_the_solvers_state_goes_over_the_nets_own(here):
    (here / "own.prototxt").write_text(f'state {{ level: 1 stage: "red" phase: TEST }} {STAGED}')
    solver = build(
        'net: "own.prototxt" train_state { stage: "blue" } test_iter: 1 test_interval: 1'
    )
    assert layers(solver.net) == ["test", "level1", "red", "blue"]
    assert layers(solver.test_nets[0]) == ["test", "level1", "red"]
    solver = build('net: "own.prototxt" train_state { phase: TRAIN level: 0 }')
    assert layers(solver.net) == ["train", "red"]


def test_files_beside_the_solver(here, tmp_path_factory, monkeypatch):
    (here / "solver.prototxt").write_text(f'{FIXED} net: "net.prototxt"')
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    solver = get_solver(here / "solver.prototxt")
    assert solver.net.name == "net"
    assert solver.snapshot_prefix == str(here / "solver")
    (here / "other.prototxt").write_text('name: "that"')
    with open("net.prototxt", "w") as file:
        file.write('name: "nearer"')
    assert get_solver(here / "solver.prototxt").net.name == "nearer"


def test_prefix_that_is_a_folder(here):
    (here / "snapshots").mkdir()
    (here / "fast.prototxt").write_text(
        f'{FIXED} net: "net.prototxt" snapshot: 5 snapshot_prefix: "snapshots/"'
    )
    solver = get_solver("fast.prototxt")
    assert solver.snapshot_prefix == os.path.join("snapshots", "fast")


def test_each_net_draws_numbers_of_its_own():
    solver = make_solver(
        FIXED + "test_iter: 1 test_iter: 1 test_interval: 1",
        """
        layer { name: "data" type: "DummyData" top: "data"
                dummy_data_param { shape { dim: 9 } data_filler { type: "gaussian" } } }""",
    )
    drawn = []
    for net in (solver.net, *solver.test_nets):
        net.forward()
        drawn.append(net.blobs["data"].data.copy())
    assert len({tuple(values) for values in drawn}) == 3


NET_A = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" inner_product_param { num_output: 4 } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" inner_product_param { num_output: 2 } }
layer { name: "c" type: "InnerProduct" bottom: "a" top: "c" include { phase: TEST }
        inner_product_param { num_output: 5 } }
"""


def save(path, value):
    """Weights of all three layers, every number being `value`."""
    net = make_solver(FIXED + "test_iter: 1 test_interval: 1", NET_A).test_nets[0]
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = value
    write_caffemodel(net, path)
    return net


def test_starting_weights(here):
    save("one.caffemodel", 1)
    only_b = make_solver(FIXED, NET_A.replace('"a" type', '"z" type'))
    for blob in only_b.net.params["b"]:
        blob.data[...] = 3
    write_caffemodel(only_b.net, "three.caffemodel")
    recorder = Recorder()
    solver = make_solver(
        FIXED + 'weights: "one.caffemodel, three.caffemodel" weights: "one.caffemodel" '
        "test_iter: 1 test_interval: 1",
        NET_A,
        listeners=[recorder],
    )
    for net in (solver.net, *solver.test_nets):
        for name, blobs in net.params.items():
            assert {float(v) for blob in blobs for v in blob.data.ravel()} == {1.0}, name
    assert [event.path for event in recorder.of(events.WeightsCopied)] == [
        "one.caffemodel",
        "three.caffemodel",
        "one.caffemodel",
    ]
    assert "1 layer ignored, not in this net: z" in recorder.of(events.WeightsCopied)[1].report
    other = make_solver(FIXED + 'weights: "one.caffemodel,three.caffemodel"', NET_A)
    assert float(other.net.params["a"][0].data[0, 0]) == 1
    assert float(other.net.params["b"][0].data[0, 0]) == 3


def test_starting_weights_that_do_not_fit(here):
    save("one.caffemodel", 1)
    with pytest.raises(ModelError, match='layer "b" .* rename the layer'):
        make_solver(
            FIXED + 'weights: "one.caffemodel"', NET_A.replace("num_output: 2", "num_output: 6")
        )
    with pytest.raises(ModelError, match="none.caffemodel: no such file"):
        make_solver(FIXED + 'weights: "none.caffemodel"', NET_A)


GENERIC = 'net_param { name: "n" } '


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("", "no train net; give one of net, net_param, train_net, train_net_param"),
        (
            GENERIC + 'train_net: "b"',
            "net_param and train_net are given; a solver takes exactly one of "
            "net, net_param, train_net, train_net_param",
        ),
        (GENERIC + 'net: "b"', "net and net_param are given"),
        (
            "train_net_param { } test_iter: 1 test_interval: 1",
            "test_iter must be given once per test net: 0 test nets, 1 test_iter (net or net_param "
            "would",
        ),
        (
            GENERIC + "test_net_param { } test_net_param { } test_iter: 1 test_interval: 1",
            "test_iter must be given once per test net: 2 test nets, 1 test_iter",
        ),
        (
            GENERIC + "test_iter: 1 test_iter: 1 test_state { } test_interval: 1",
            "test_state must be given once per test net or not at all: 2 test nets, 1 test_state",
        ),
        (GENERIC + "test_iter: 1", "test_interval must be above 0 where test_iter is given, got 0"),
        (GENERIC + "test_iter: -2 test_interval: 1", "test_iter must not be negative, got -2"),
        (GENERIC + "average_loss: 0", "average_loss must be at least 1, got 0"),
        (GENERIC + "iter_size: 0", "iter_size must be at least 1, got 0"),
        (GENERIC + "display: -1", "display must not be negative, got -1"),
        (GENERIC + "snapshot: -1", "snapshot must not be negative, got -1"),
        (GENERIC + "max_iter: -1", "max_iter must not be negative, got -1"),
        (GENERIC + "weight_decay: -0.5", "weight_decay must not be negative, got -0.5"),
        (
            GENERIC + 'weight_decay: 0.5 regularization_type: "L3"',
            'regularization_type must be "L1" or "L2", got "L3"',
        ),
        (GENERIC + "snapshot: 5", "snapshot is given, but snapshot_prefix is not"),
        (
            GENERIC + 'snapshot: 5 snapshot_prefix: "none/x"',
            'snapshot_prefix "none/x": there is no folder "none"; make it first (mkdir -p none)',
        ),
        (GENERIC + 'lr_policy: "fixd"', 'unknown lr_policy "fixd"; did you mean "fixed"?'),
        (
            GENERIC + 'type: "adam"',
            'unknown solver type "adam"; did you mean "Adam"? (known: AdaDelta, AdaGrad, Adam, ',
        ),
        (GENERIC + 'type: "AdaGrad" momentum: 0.5', "AdaGrad takes no momentum, got 0.5"),
        (GENERIC + 'type: "RMSProp" momentum: 0.5', "RMSProp takes no momentum, got 0.5"),
        (GENERIC + 'type: "RMSProp" rms_decay: 1', "rms_decay must be in [0, 1), got 1"),
        (GENERIC + 'type: "Adam" momentum: 1', "Adam needs momentum in [0, 1), got 1"),
        (GENERIC + 'type: "Adam" momentum2: 1.5', "Adam needs momentum2 in [0, 1), got 1.5"),
    ],
)
def test_contradictions(here, settings, problem):
    head = "" if "lr_policy" in settings else 'lr_policy: "fixed" '
    param = text.parse(f"base_lr: 0.5 {head}{settings}", schema.SolverParameter)
    with pytest.raises(SolverError) as caught:
        get_solver(param, get_ops(), path="some/solver.prototxt")
    message = str(caught.value)
    assert message.startswith("some/solver.prototxt: ")
    assert problem in message
    assert "\n" not in message


def test_l1_is_not_needed_without_decay(here):
    assert build(GENERIC + 'regularization_type: "none"').iter == 0


@pytest.mark.parametrize("kind", ["no such file", "unknown field"])
def test_errors_of_net_files(here, kind):
    if kind == "unknown field":
        (here / "bad.prototxt").write_text('layers { nam: "x" }')
    with pytest.raises(PrototxtError, match="bad.prototxt"):
        build('net: "bad.prototxt"')


def test_unknown_fields_can_be_passed_over(here):
    (here / "odd.prototxt").write_text('name: "odd" colour: 3')
    (here / "solver.prototxt").write_text(f'{FIXED} net: "odd.prototxt" mood: "fine"')
    with pytest.raises(PrototxtError, match="mood"):
        get_solver("solver.prototxt")
    assert get_solver("solver.prototxt", unknown="warn").net.name == "odd"


def test_nets_are_closed_when_a_later_one_fails(here, monkeypatch):
    from caffe_lite.nets.net import Net

    closed = []
    monkeypatch.setattr(Net, "close", lambda net: closed.append(net.name))
    with pytest.raises(CaffeError):
        build('net: "net.prototxt" test_net: "none.prototxt" test_iter: 1 test_interval: 1')
    with pytest.raises(CaffeError):
        build(
            'net: "net.prototxt" test_net_param { name: "bad" layer { type: "Odd" } } '
            "test_iter: 1 test_interval: 1"
        )
    assert "net" in closed


def test_types():
    caffes = ["AdaDelta", "AdaGrad", "Adam", "Nesterov", "RMSProp", "SGD"]
    assert [name for name in solver_types() if name in caffes] == caffes
    for name in solver_types():
        settings = FIXED + f'type: "{name}" net_param {{ }}'
        assert build(settings.removeprefix(FIXED)).type == name


def test_old_names_of_types(here):
    (here / "old.prototxt").write_text(f'{FIXED} net: "net.prototxt" solver_type: ADAGRAD')
    assert get_solver("old.prototxt").type == "AdaGrad"
    assert build('net: "net.prototxt" solver_type: ADAGRAD layer_wise_reduce: false').type == (
        "AdaGrad"
    )


def test_device_of_the_solver_mode(monkeypatch, caplog):
    from caffe_lite.errors import BackendError
    from caffe_lite.solvers import registry

    asked = []

    def ops(device=None):
        asked.append(device)
        if device is not None:
            raise BackendError("no GPU; install caffe_lite[gpu12]")
        return "cpu ops"

    monkeypatch.setattr(registry, "get_ops", ops)
    for prototxt, devices in (
        ("", [None]),
        ("solver_mode: CPU", [None]),
        ("solver_mode: GPU device_id: 2", [2, None]),
    ):
        asked.clear()
        assert default_ops(text.parse(prototxt, schema.SolverParameter)) == "cpu ops"
        assert asked == devices
    assert "install caffe_lite[gpu12]; training on the CPU" in caplog.text


def test_a_solver_is_closed_at_the_end_of_its_block(here):
    with build('net: "net.prototxt"') as solver:
        assert np.asarray(solver.net.blobs["data"].data).shape == (2, 3)
        assert solver.net.blobs["data"].has_data
    assert not solver.net.blobs["data"].has_data
