"""Definitions with endless words, many warnings, or strings that are not text."""

import time

import pytest

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import binary, schema, text
from caffe_lite.proto.load import load_net

NET = schema.NetParameter
DIGITS = "7" * 50_000


@pytest.mark.parametrize(
    "source",
    [
        f"input_dim: {DIGITS}x",
        f"input_dim: {DIGITS}.5",
        f"input_dim: 0{DIGITS}9",
        f'layer {{ name: "a" dropout_param {{ dropout_ratio: {DIGITS}x }} }}',
        f"layer {{ phase: {DIGITS} }}",
        f"name: {DIGITS}",
    ],
)
def test_long_words_are_refused_in_one_short_line(source):
    start = time.process_time()
    with pytest.raises(PrototxtError) as error:
        text.parse(source, NET)
    assert len(str(error.value)) < 200
    assert time.process_time() - start < 2


@pytest.mark.parametrize("end", ["\n", " "])
def test_places_of_many_warnings(end, caplog):
    count = 3000
    start = time.process_time()
    text.parse(f"abc: 1{end}" * count, NET, unknown="warn")
    assert time.process_time() - start < 3
    line, column = (count, 1) if end == "\n" else (1, 7 * (count - 1) + 1)
    assert caplog.messages[-1].startswith(f"<string>:{line}:{column}: ")


def test_places_before_the_last_one():
    """An error may lie before a place that was counted already."""
    source = "name: 'a'\nabc: 1\nlayer {\n  clip_param { min: 1 }\n}"
    with pytest.raises(
        PrototxtError, match='^<string>:4:3: ClipParameter lacks its required "max"'
    ):
        text.parse(source, NET, unknown="warn")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"\n\x02\xff\xfe\xa2\x06\x00", "name of a NetParameter"),
        (b"\xa2\x06\x05\x1a\x03a\xfcb", "bottom of a LayerParameter"),
    ],
)
def test_binary_strings_that_are_not_utf8(tmp_path, data, field):
    path = tmp_path / "net.binary"
    path.write_bytes(data)
    for read in (lambda: binary.read(path, NET), lambda: load_net(path)):
        with pytest.raises(PrototxtError, match=f'not UTF-8 text: ".*" in {field}') as error:
            read()
        assert str(error.value).encode()
