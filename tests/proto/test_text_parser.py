"""Valid text in all the ways that people write it, held against protobuf's own parser."""

import logging
import math

import pytest
from google.protobuf import text_format

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import schema, text

NET, SOLVER = schema.NetParameter, schema.SolverParameter

ACCEPTED = [
    (NET, ""),
    (NET, "# nothing but a comment"),
    (NET, 'name: "n" # at the end\n\t input : "a"\r\n input:"b";input:\'c\', input_dim: 1'),
    (NET, "layer { } layer: { } layer < > layer: < name: 'x' >"),
    (NET, "layer [ { name: 'a' }, < name: 'b' > ] layer: [ ]"),
    (NET, "input: ['a', \"b\" 'c'] input: [] input_dim: [1, -2,0x1F , 017 ]"),
    (NET, "name: 'one' \"two\" # between\n 'three'"),
    (NET, r"""name: "\a\b\f\n\r\t\v\\\'\"\1\12\101\x41\xe2\x82\xac\u20ac\U0001F600 '" """),
    (NET, "name: '\"' input: \"'\" input: ''"),
    (NET, "name: 'n\u00e4me \u20ac'"),
    (NET, "force_backward: true debug_info: False"),
    (NET, "force_backward: 1 debug_info: t"),
    (NET, "force_backward: f debug_info: 0"),
    (NET, "force_backward: True layer { phase: TEST }"),
    (NET, "layer { phase: 1 include { phase: 0x0 } }"),
    (NET, "layers { type: 39 blob_share_mode: [PERMISSIVE, 0] }"),
    (NET, "layer { include { stage: 'a' stage: 'b' min_level: - 3 } }"),
    (NET, "layer { loss_weight: [1, .5, 2., 3e2, 4E-2, 5f, 6.5F, -1e-3] }"),
    (NET, "layer { loss_weight: [inf, -inf, INF, infinity, -Infinity, 1e60, -1e60, 1e-60] }"),
    (NET, "layer { power_param { } clip_param { max: 3 min: 0 } }"),
    (NET, "layer { reshape_param { shape { dim: -1 dim: [9223372036854775807] } } }"),
    (NET, "layer { blobs { double_data: 0.1 double_data: 1e300 shape { } } }"),
    (SOLVER, "random_seed: -9223372036854775808 max_iter: -2147483648 test_iter: 2147483647"),
    (SOLVER, "net_param { layer { name: 'a' } } test_net_param { } test_net_param { name: 'b' }"),
    (SOLVER, "snapshot_format: HDF5 solver_mode: 0"),
]


@pytest.mark.parametrize(("message", "source"), ACCEPTED, ids=[c[1] or "empty" for c in ACCEPTED])
def test_accepts_what_protobuf_accepts(message, source):
    expected = text_format.Parse(source.replace("- 3", "-3"), message())  # C++ reads both
    assert text.parse(source, message) == expected


def test_empty_messages_are_present():
    layer = text.parse("layer { relu_param { } }", NET).layer[0]
    assert layer.HasField("relu_param")
    assert not layer.HasField("lrn_param")


def test_not_a_number():
    assert math.isnan(text.parse("base_lr: nan", SOLVER).base_lr)
    assert math.isnan(text.parse("base_lr: -NaN", SOLVER).base_lr)


def test_bytes_take_every_escape():
    assert text.parse(r'data: "\000\377\xfe" "z"', schema.Datum).data == b"\0\xff\xfez"


def test_question_marks_may_be_escaped_as_in_c():
    assert text.parse(r'name: "\?\?="', NET).name == "??="


def test_any_message_class_can_be_read():
    from google.protobuf import descriptor_pb2

    source = """name: "f" options { java_package: "p" uninterpreted_option {
        positive_int_value: 18446744073709551615 double_value: 0.1 string_value: "\\377" } }"""
    message = descriptor_pb2.FileDescriptorProto
    assert text.parse(source, message) == text_format.Parse(source, message())
    with pytest.raises(PrototxtError, match="uint64: 0 to 18446744073709551615"):
        text.parse(source.replace("1615", "1616"), message)


def test_comments_may_hold_any_bytes(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_bytes(b"\xef\xbb\xbf# \xd6\xd0\xce\xc4\nname: 'n' # \xff\r\n")
    assert text.read(path, NET) == NET(name="n")


UNKNOWN = """
name: "n"
gain: 0.5 beta: -1 word: TRAIN text: "a" 'b' list: [1, -2]; nested { } ,
layer {
  name: "a"
  flow { x: "}" y < z: [ { w: 1 }, { } ] > } # "
  messages: [ { a: 1 } ]
  relu_param { slope: 1 negative_slope: 2 }
}
"""


def test_unknown_fields_are_skipped_whole_with_one_warning_each(caplog):
    with caplog.at_level(logging.WARNING, logger="caffe_lite.proto"):
        net = text.parse(UNKNOWN, NET, "n.prototxt", unknown="warn")
    layer = schema.LayerParameter(name="a", relu_param=schema.ReLUParameter(negative_slope=2))
    assert net == NET(name="n", layer=[layer])
    places = [record.getMessage().split(" ")[0] for record in caplog.records]
    assert places == [
        f"n.prototxt:{place}:"
        for place in ("3:1", "3:11", "3:20", "3:32", "3:46", "3:61", "6:3", "7:3", "8:16")
    ]
    assert caplog.records[0].getMessage().endswith('NetParameter has no field "gain"; skipped')


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x { y: 1", "1:3: the unknown field that starts here has no end"),
        ("x { y: 1 >", '1:10: unexpected ">"'),
        ("x: [ 1 }", '1:8: unexpected "}"'),
        ("x: }", '1:4: unexpected "}"'),
        ("x 3", '1:3: expected ":" or "{", got "3"'),
        ("x:", "1:3: the unknown field that starts here has no end"),
    ],
)
def test_unknown_fields_must_be_well_formed(source, expected):
    with pytest.raises(PrototxtError) as caught:
        text.parse(source, NET, "f", unknown="warn")
    assert str(caught.value) == "f:" + expected


def test_skipping_is_not_recursive():
    deep = "{ a" * 5000 + ": 1" + " }" * 5000
    assert text.parse(f"x {deep} name: 'n'", NET, unknown="warn") == NET(name="n")


def test_unknown_must_be_error_or_warn():
    with pytest.raises(ValueError, match='unknown must be "error" or "warn"'):
        text.parse("", NET, unknown="ignore")  # type: ignore[arg-type]


def test_time_grows_with_length_alone():
    import time

    def seconds(copies: int) -> float:
        source = 'layer { name: "a" type: "ReLU" bottom: "a" top: "a" }\n' * copies
        started = time.process_time()  # what else the machine does has no part in it
        text.parse(source, NET)
        return time.process_time() - started

    short = min(seconds(200) for _ in range(3))
    long = min(seconds(3200) for _ in range(3))
    assert long < 16 * 4 * short
