"""The schema is Caffe 1.0's, three times over: recorded, written in caffe.proto, and shipped."""

import importlib.util
import json
import pickle
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from caffe_lite.proto import schema

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "caffe_schema.json").read_text())
LABELS = {1: "optional", 2: "required", 3: "repeated"}


def shipped() -> dict:
    """The shipped descriptor in the recorded form."""
    file = descriptor_pb2.FileDescriptorProto()
    schema.DESCRIPTOR.CopyToProto(file)
    enums, messages = {}, {}

    def add_enum(enum, prefix=""):
        enums[prefix + enum.name] = {value.name: value.number for value in enum.value}

    for enum in file.enum_type:
        add_enum(enum)
    for message in file.message_type:
        for enum in message.enum_type:
            add_enum(enum, message.name + ".")
        messages[message.name] = [describe_field(field) for field in message.field]
    return {"enums": enums, "messages": messages, "package": file.package}


def describe_field(field) -> dict:
    type_name = descriptor_pb2.FieldDescriptorProto.Type.Name(field.type)[5:].lower()
    entry = {
        "name": field.name,
        "number": field.number,
        "label": LABELS[field.label],
        "type": field.type_name.removeprefix(".caffe.") or type_name,
    }
    if field.HasField("default_value"):
        entry["default"] = field.default_value
    if field.options.packed:
        entry["packed"] = True
    return entry


TOKEN = re.compile(r"""//[^\n]*|\s+|("[^"]*"|'[^']*'|[\w.+-]+|[{}=;\[\],])""")


def written() -> dict:
    """proto/caffe.proto in the recorded form, read here without protoc."""
    source = (HERE.parent.parent / "proto" / "caffe.proto").read_text()
    assert TOKEN.sub("", source) == ""
    tokens = iter([token for token in TOKEN.findall(source) if token])
    head = " ".join([next(tokens) for _ in range(7)])
    assert head == 'syntax = "proto2" ; package caffe ;'
    enums: dict = {}
    messages: dict = {}
    for keyword in tokens:
        name = next(tokens)
        assert next(tokens) == "{"
        if keyword == "enum":
            enums[name] = read_enum(tokens)
        else:
            assert keyword == "message"
            messages[name] = read_message(tokens, name, enums)
    for owner, fields in messages.items():
        for field in fields:
            if f"{owner}.{field['type']}" in enums:
                field["type"] = f"{owner}.{field['type']}"
    return {"enums": enums, "messages": messages, "package": "caffe"}


def read_enum(tokens) -> dict:
    values = {}
    while (name := next(tokens)) != "}":
        assert next(tokens) == "="
        values[name] = int(next(tokens))
        assert next(tokens) == ";"
    return values


def read_message(tokens, owner: str, enums: dict) -> list:
    fields = []
    while (label := next(tokens)) != "}":
        if label == "enum":
            name = next(tokens)
            assert next(tokens) == "{"
            enums[f"{owner}.{name}"] = read_enum(tokens)
            continue
        entry = {"name": "", "number": 0, "label": label, "type": next(tokens)}
        entry["name"] = next(tokens)
        assert next(tokens) == "="
        entry["number"] = int(next(tokens))
        while (mark := next(tokens)) != ";":
            if mark in ("default", "packed"):
                assert next(tokens) == "="
                value = next(tokens)
                entry[mark] = True if mark == "packed" else value.strip("\"'")
        fields.append(entry)
    return fields


def comparable(form: dict) -> dict:
    """Without the order of fields, and defaults of float fields in float32."""
    messages = {}
    for name, fields in form["messages"].items():
        messages[name] = {}
        for field in fields:
            field = dict(field)
            if "default" in field and field["type"] == "float":
                field["default"] = struct.pack("<f", float(field["default"]))
            messages[name][field.pop("name")] = field
    return {"enums": form["enums"], "messages": messages, "package": form["package"]}


def test_sizes_of_the_recorded_schema():
    assert len(RECORDED["messages"]) == 63
    assert len(RECORDED["enums"]) == 26


def test_shipped_descriptor_is_the_recorded_schema():
    assert comparable(shipped()) == comparable(RECORDED)


def test_written_schema_is_the_recorded_schema():
    assert comparable(written()) == comparable(RECORDED)


def test_shipped_descriptor_is_compiled_from_the_written_schema():
    # Order included: python tools/gen_proto.py after every change of caffe.proto.
    for name, fields in written()["messages"].items():
        assert [field["name"] for field in fields] == [
            field.name for field in schema.DESCRIPTOR.message_types_by_name[name].fields
        ]
    assert comparable(written()) == comparable(shipped())


def test_every_message_and_field_of_a_layer_is_reachable():
    for name in RECORDED["messages"]:
        assert getattr(schema, name)().DESCRIPTOR.full_name == "caffe." + name
    assert (schema.TRAIN, schema.TEST) == (0, 1)
    assert schema.PoolingParameter.AVE == 1
    assert schema.HingeLossParameter.L2 == 2
    assert schema.V1LayerParameter.LayerType.Name(39) == "DECONVOLUTION"


def test_defaults_read_as_caffe_has_them():
    solver = schema.SolverParameter()
    assert solver.snapshot_format == schema.SolverParameter.BINARYPROTO
    assert solver.solver_mode == schema.SolverParameter.GPU
    assert solver.random_seed == -1
    assert solver.delta == pytest.approx(1e-8, rel=1e-6)
    assert schema.WindowDataParameter().crop_mode == "warp"


def test_unknown_message_names_the_nearest():
    with pytest.raises(AttributeError, match='no message "NetParam"; did you mean "NetParameter"?'):
        _ = schema.NetParam


def test_messages_pickle():
    net = schema.NetParameter(name="n", layer=[schema.LayerParameter(name="a", loss_weight=[0.5])])
    assert pickle.loads(pickle.dumps(net)) == net  # noqa: S301


def test_another_caffe_proto_in_the_default_pool_does_no_harm():
    # As an installed pycaffe would: same file name and package, other numbers.
    other = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe")
    message = other.message_type.add(name="NetParameter")
    message.field.add(name="name", number=9, label=1, type=9)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(other.SerializeToString())
    theirs = message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))
    assert theirs(name="x").SerializeToString() == b"\x4a\x01x"
    assert schema.NetParameter(name="x").SerializeToString() == b"\x0a\x01x"
    check = (
        "from google.protobuf import descriptor_pool as p;"
        f"p.Default().AddSerializedFile({other.SerializeToString()!r});"
        "from caffe_lite.proto import schema; schema.NetParameter(name='x')"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_import_needs_no_array_library():
    check = (
        "import sys; from caffe_lite.proto import schema, text, load;"
        "sys.exit(bool({'numpy', 'h5py', 'cupy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_forks_desc_is_compiled_from_the_proto_files():
    source = HERE.parent.parent / "tools" / "gen_proto.py"
    spec = importlib.util.spec_from_file_location("gen_proto", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shipped = Path(schema.__file__).with_name("forks.desc").read_bytes()
    assert shipped == module.compile_forks(module.FORKS), "run tools/gen_proto.py"
