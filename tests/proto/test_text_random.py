"""Random messages survive text and binary, and random text is never answered with a traceback."""

import math
from pathlib import Path

from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor as Field
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import binary, schema, text
from caffe_lite.proto.schema import is_repeated, is_required

SAMPLES = [
    path.read_text() for path in sorted((Path(__file__).parent / "upgrade").glob("*.prototxt"))
]
SCALARS = {
    Field.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    Field.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    Field.TYPE_UINT32: st.integers(0, 2**32 - 1),
    Field.TYPE_FLOAT: st.floats(width=32, allow_nan=False),
    Field.TYPE_DOUBLE: st.floats(allow_nan=False),
    Field.TYPE_BOOL: st.booleans(),
    Field.TYPE_STRING: st.text(st.characters(codec="utf-8"), max_size=8),
    Field.TYPE_BYTES: st.binary(max_size=8),
}


@st.composite
def messages(draw, descriptor, depth=3):
    message = getattr(schema, descriptor.name)()
    names = [field.name for field in descriptor.fields if depth or not field.message_type]
    chosen = draw(st.sets(st.sampled_from(names), max_size=4)) if names else set()
    for field in descriptor.fields:
        if field.name not in chosen and not is_required(field):
            continue
        if field.message_type:
            values = messages(field.message_type, depth - 1)
        elif field.enum_type:
            values = st.sampled_from([value.number for value in field.enum_type.values])
        else:
            values = SCALARS[field.type]
        if is_repeated(field):
            getattr(message, field.name).extend(draw(st.lists(values, max_size=3)))
        elif field.message_type:
            getattr(message, field.name).CopyFrom(draw(values))
        else:
            setattr(message, field.name, draw(values))
    return message


ROOTS = st.sampled_from(["NetParameter", "SolverParameter", "BlobProto", "Datum", "LayerParameter"])
ANY_MESSAGE = ROOTS.flatmap(lambda name: messages(schema.DESCRIPTOR.message_types_by_name[name]))


@settings(max_examples=150, deadline=None)
@given(ANY_MESSAGE)
def test_random_messages_survive(message):
    written = text.format(message)
    assert text.parse(written, type(message)) == message
    assert text_format.Parse(written, type(message)()) == message
    for as_one_line in (False, True):
        theirs = text_format.MessageToString(message, as_one_line=as_one_line)
        assert text.parse(theirs, type(message)) == message
    short = text_format.MessageToString(message, use_short_repeated_primitives=True)
    assert text.parse(short, type(message)) == message
    data = message.SerializeToString()
    if data:
        assert binary.decode(data, type(message), "f") == message


PIECES = st.sampled_from(
    ["{", "}", "<", ">", "[", "]", ",", ";", ":", '"', "'", "#", "\n", "-", ".", "1", "0x", "017"]
    + ["1e5", "inf", "true", "layer", "name", "type", "dim: [1,2]", "\\", "\0", "\udcff", "\u20ac"]
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_text_is_read_or_refused_in_one_line(data):
    sample = data.draw(st.sampled_from(SAMPLES))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(sample)))
        sample = sample[:at] + data.draw(PIECES) + sample[at + data.draw(st.integers(0, 3)) :]
    unknown = data.draw(st.sampled_from(["error", "warn"]))
    check_refusal(lambda: text.parse(sample, schema.NetParameter, "f", unknown))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.sampled_from([schema.NetParameter, schema.Datum]))
def test_any_text_is_read_or_refused_in_one_line(source, message):
    check_refusal(lambda: text.parse(source, message, "f"))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_in_one_line(data):
    check_refusal(lambda: text.decode(data, schema.LayerParameter, "f"))
    check_refusal(lambda: binary.decode(data, schema.LayerParameter, "f"))


def check_refusal(read):
    try:
        read()
    except PrototxtError as error:
        assert str(error).startswith("f:")
        assert "\n" not in str(error)
        str(error).encode("utf-8")


def test_a_float_that_is_not_a_number_survives():
    blob = schema.BlobProto(data=[math.nan])
    assert math.isnan(text.parse(text.format(blob), schema.BlobProto).data[0])
