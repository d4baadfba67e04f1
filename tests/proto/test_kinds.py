import pytest

from caffe_lite.proto import schema, text
from caffe_lite.proto.kinds import definition_kind, text_kind

NET = 'name: "n" layer { name: "a" type: "ReLU" bottom: "x" top: "y" }'
SOLVER = 'net: "n.prototxt" base_lr: 0.1'


@pytest.mark.parametrize(
    "written, kind",
    [
        (NET, "net"),
        (SOLVER, "solver"),
        ('input: "data" input_dim: 1', "net"),
        ('# net: "x"\nlayers { }', "net"),
        ("debug_info: true net_param { layer { } } max_iter: 3", "solver"),
        ('name: "n" strange: 1 layer { }', "net"),
        ('strange: { layer: 1 } lr_policy: "step"', "solver"),
        ("layer { base_lr: 1", "net"),
        ('base_lr: 0.1 "', "solver"),
        ('" base_lr: 0.1', "net"),
        ("", "net"),
        ('eval_type: "detection" net: "n"', "solver"),
    ],
)
def test_the_first_field_of_only_one_decides(written, kind):
    assert text_kind(written) == kind


def test_files(tmp_path):
    path = tmp_path / "definition"
    for written, message, kind in (
        (NET, schema.NetParameter, "net"),
        (SOLVER, schema.SolverParameter, "solver"),
    ):
        path.write_text(written)
        assert definition_kind(path) == kind
        path.write_bytes(text.parse(written, message).SerializeToString())
        assert definition_kind(path) == kind
