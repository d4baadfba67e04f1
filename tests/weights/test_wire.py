"""The wire format read in place: short fields that nobody wants are skipped in runs."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_lite.errors import ModelError
from caffe_lite.proto.wire import (
    FIXED32,
    FIXED64,
    LENGTH,
    MOST_FIELDS,
    VARINT,
    WireError,
    fields,
    tag_bytes,
    varint_bytes,
)
from caffe_lite.weights import read_weights
from tests.weights.weight_nets import net_message

GOOD = net_message(a=[np.ones((3, 4), "f4")]).SerializeToString()
WANTED = (1, 7, 50, 100, 65601)
numbers = st.one_of(st.sampled_from([*WANTED, 2, 15, 16, 99, 101]), st.integers(1, 2**29 - 1))


def field(number, kind, value):
    head = tag_bytes(number, kind)
    if kind == VARINT:
        return head + varint_bytes(value)
    if kind == LENGTH:
        content = value.to_bytes(8, "little") * (value % 3)
        return head + varint_bytes(len(content)) + content
    return head + value.to_bytes(4 if kind == FIXED32 else 8, "little")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            numbers,
            st.sampled_from([VARINT, LENGTH, FIXED32, FIXED64]),
            st.integers(0, 2**32 - 1),
        )
    )
)
def test_wanted_fields_are_all_found(content):
    data = b"".join(field(*each) for each in content)
    every = list(fields(data, 0, len(data)))
    assert [(f.number, f.kind) for f in every] == [(n, k) for n, k, _ in content]
    found = list(fields(data, 0, len(data), WANTED))
    assert [f for f in found if f.number in WANTED] == [f for f in every if f.number in WANTED]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_damage_is_an_error_either_way(data):
    def read(*wanted):
        found = []
        try:
            found += [f for f in fields(data, 0, len(data), *wanted) if f.number in WANTED]
        except WireError:
            found.append(None)
        return found

    assert read(WANTED) == read()


def delimited(number, content):
    return tag_bytes(number, LENGTH) + varint_bytes(len(content)) + content


MEGABYTES = 4 << 20


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (field(3, VARINT, 1) * (MEGABYTES // 2), None),
        (delimited(100, field(300, VARINT, 1) * (MEGABYTES // 3)), None),
        (delimited(100, b"") * (MEGABYTES // 3), f"more than {MOST_FIELDS} fields"),
        (delimited(100, delimited(1, b"") * (MEGABYTES // 2)), f"more than {MOST_FIELDS} fields"),
        (delimited(100, delimited(7, delimited(7, b"\x08\1" * 99))), "more than 32 axes"),
    ],
    ids=["unknown", "unknown in a layer", "layers", "names", "axes"],
)
def test_many_short_fields_take_linear_time(tmp_path, more, says):
    path = tmp_path / "many.caffemodel"
    path.write_bytes(GOOD + more)
    start = time.process_time()
    if says:
        with pytest.raises(ModelError, match=says):
            read_weights(path)
    else:
        np.testing.assert_array_equal(read_weights(path)["a"][0], np.ones((3, 4)))
    assert time.process_time() - start < 3
