"""Text as Caffe's own tools write it."""

import struct
from pathlib import Path

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from caffe_lite.proto import schema, text

UPGRADED = sorted((Path(__file__).parent / "upgrade").glob("*.upgraded.prototxt"))


@pytest.mark.parametrize("path", UPGRADED, ids=lambda path: path.name)
def test_files_that_caffe_wrote_are_written_again_byte_for_byte(path):
    message = schema.SolverParameter if "solver" in path.name else schema.NetParameter
    assert text.format(text.read(path, message)) == path.read_text()


def test_layout():
    net = text.parse(
        "layers { type: RELU } layer { blobs { data: [1, .1] shape { dim: 2 } } phase: TEST "
        "clip_param { min: -0 max: 1 } relu_param { } } name: 'a\"b' force_backward: true",
        schema.NetParameter,
    )
    assert text.format(net) == (
        'name: "a\\"b"\n'
        "layers {\n"
        "  type: RELU\n"
        "}\n"
        "force_backward: true\n"
        "layer {\n"
        "  blobs {\n"
        "    data: 1\n"
        "    data: 0.1\n"
        "    shape {\n"
        "      dim: 2\n"
        "    }\n"
        "  }\n"
        "  phase: TEST\n"
        "  relu_param {\n"
        "  }\n"
        "  clip_param {\n"
        "    min: -0\n"
        "    max: 1\n"
        "  }\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, "1"),
        (0.1, "0.1"),
        (0.05, "0.05"),
        (1 / 3, "0.33333334"),
        (1e-8, "1e-08"),
        (123456, "123456"),
        (1234567, "1234567"),
        (16777216, "16777216"),
        (8.000001, "8.000001"),
        (0.10000002384185791, "0.100000024"),
        (1e6, "1e+06"),
        (3.4028234663852886e38, "3.4028235e+38"),
        (1.17549435e-38, "1.1754944e-38"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (float("nan"), "nan"),
    ],
)
def test_floats_are_short(value, expected):
    assert text.format(schema.SolverParameter(base_lr=value)) == f"base_lr: {expected}\n"


def test_doubles_are_short():
    blob = schema.BlobProto(double_data=[0.1, 1 / 3, 1e300, 0.1 + 0.2])
    assert text.format(blob) == (
        "double_data: 0.1\n"
        "double_data: 0.3333333333333333\n"
        "double_data: 1e+300\n"
        "double_data: 0.30000000000000004\n"
    )


def test_strings_are_escaped():
    datum = schema.Datum(data=bytes(range(256)))
    written = text.format(datum)
    assert written.isascii() and written.count("\n") == 1
    assert text.parse(written, schema.Datum) == datum
    net = schema.NetParameter(name="\u20ac'\t\r\n\\")
    assert text.format(net) == 'name: "\\342\\202\\254\\\'\\t\\r\\n\\\\"\n'


@given(st.integers(0, 2**32 - 1))
def test_every_float32_survives(bits):
    (value,) = struct.unpack("<f", struct.pack("<I", bits))
    blob = schema.BlobProto(data=[value])
    again = text.parse(text.format(blob), schema.BlobProto)
    assert again.data[0] == value or value != value
    assert text_format.Parse(text.format(blob), schema.BlobProto()).data[0] == again.data[0] or (
        value != value
    )


def test_write_reads_back(tmp_path):
    path = tmp_path / "net.prototxt"
    net = schema.NetParameter(name="n", layer=[schema.LayerParameter(loss_weight=[0.1])])
    text.write(path, net)
    assert text.read(path, schema.NetParameter) == net
