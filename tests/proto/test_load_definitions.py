"""load_net and load_solver: text or binary, upgraded, with a word about it."""

import logging

import pytest

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import binary, schema, text
from caffe_lite.proto.load import load_net, load_solver
from tests.proto.real_files import FILES

V1 = "name: 'n' layers { name: 'a' type: RELU }"
CURRENT = text.parse("name: 'n' layer { name: 'a' type: 'ReLU' }", schema.NetParameter)


@pytest.fixture
def warnings(caplog):
    caplog.set_level(logging.WARNING, logger="caffe_lite.proto")
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_current_net_loads_in_silence(tmp_path, warnings):
    for path, write in ((tmp_path / "t", text.write), (tmp_path / "b", binary.write)):
        write(path, CURRENT)
        assert load_net(path) == CURRENT
        assert load_net(str(path)) == CURRENT
    assert warnings() == []


def test_an_old_net_is_upgraded_with_a_warning(tmp_path, warnings):
    old = text.parse(V1, schema.NetParameter)
    for path, write in ((tmp_path / "t", text.write), (tmp_path / "b", binary.write)):
        write(path, old)
        assert load_net(path) == CURRENT
    assert warnings() == [
        f"{path}: upgraded on the fly (V1 layers); to keep the result:"
        f" caffe_lite upgrade net {path} OUT"
        for path in (tmp_path / "t", tmp_path / "b")
    ]


def test_unknown_fields_are_errors_unless_told_otherwise(tmp_path, warnings):
    path = tmp_path / "net.prototxt"
    path.write_text("name: 'n' layer { name: 'a' type: 'ReLU' gradual: true }")
    with pytest.raises(PrototxtError, match=r"net\.prototxt:1:42: .* has no field \"gradual\"$"):
        load_net(path)
    assert load_net(path, unknown="warn") == CURRENT
    assert len(warnings()) == 1


def test_files_of_other_kinds_are_named(tmp_path):
    path = tmp_path / "net"
    for kind, data in FILES.items():
        path.write_bytes(data)
        for load in (load_net, load_solver):
            with pytest.raises(PrototxtError, match=f"this is {kind}"):
                load(path)
    path.write_bytes(binary_cut := CURRENT.SerializeToString()[:-3])
    with pytest.raises(PrototxtError, match=f"cut short \\({len(binary_cut)} bytes\\)"):
        load_net(path)


def test_a_stray_control_character_has_a_place(tmp_path):
    path = tmp_path / "net.prototxt"
    layers = 'layer { name: "a" type: "ReLU" }\n' * 20
    path.write_text(f"{layers}name: \0\n{layers}")
    with pytest.raises(PrototxtError, match=r"net\.prototxt:21:7: unexpected character '\\x00'$"):
        load_net(path)
    path.write_text(f"{layers}# \x1b[31m in colour \x1b[0m\n")
    assert len(load_net(path).layer) == 20


def test_solver_is_upgraded_with_a_warning(tmp_path, warnings):
    path = tmp_path / "solver.prototxt"
    path.write_text("net: 'n.prototxt' solver_type: ADAM snapshot_prefix: 'out/p'")
    assert load_solver(path) == schema.SolverParameter(
        net="n.prototxt", type="Adam", snapshot_prefix="out/p"
    )
    assert warnings() == [
        f"{path}: upgraded on the fly (solver_type); to keep the result:"
        f" caffe_lite upgrade solver {path} OUT"
    ]


def test_snapshots_are_named_after_the_solver(tmp_path):
    path = tmp_path / "my.solver.prototxt"
    path.write_text("max_iter: 1")
    assert load_solver(path).snapshot_prefix == str(tmp_path / "my.solver")
    path.write_text(f"snapshot_prefix: '{tmp_path}'")
    assert load_solver(path).snapshot_prefix == str(tmp_path / "my.solver")
    path.write_text(f"snapshot_prefix: '{tmp_path / 'other'}'")
    assert load_solver(path).snapshot_prefix == str(tmp_path / "other")


def test_nets_inside_a_solver_are_upgraded_too(tmp_path, warnings):
    path = tmp_path / "solver.prototxt"
    path.write_text(
        f"net_param {{ {V1} }} test_net_param {{ name: 'x' }} test_net_param {{ {V1} }} "
    )
    param = load_solver(path)
    assert param.net_param == CURRENT
    assert param.test_net_param[0] == schema.NetParameter(name="x")
    assert param.test_net_param[1] == CURRENT
    assert not param.HasField("train_net_param")
    assert [line.split(": ")[1][:40] for line in warnings()] == [
        "net_param upgraded on the fly (V1 layers)"[:40],
        "test_net_param upgraded on the fly (V1 layers)"[:40],
    ]


@pytest.mark.parametrize("field", ["layer", "layers"])
def test_weights_in_a_solvers_place_are_told(tmp_path, field):
    net = schema.NetParameter(name="digits")
    getattr(net, field).add(name="ip").blobs.add(data=[1, 2])
    path = tmp_path / "x.caffemodel"
    path.write_bytes(net.SerializeToString())
    with pytest.raises(PrototxtError, match=r"x\.caffemodel: this holds a net with its weights"):
        load_solver(path)


def test_a_binary_solver_is_no_net(tmp_path):
    solver = schema.SolverParameter(train_net="a", test_net=["b", "net.prototxt"], base_lr=0.5)
    path = tmp_path / "solver.binaryproto"
    path.write_bytes(solver.SerializeToString())
    assert load_solver(path).test_net == ["b", "net.prototxt"]
