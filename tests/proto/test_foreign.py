"""What the failures of other libraries become, and which files are opened at all."""

import os

import pytest

from caffe_lite.data.lists import read_lines
from caffe_lite.data.mean_file import read_mean
from caffe_lite.errors import CaffeError, DataError, ModelError, PrototxtError
from caffe_lite.proto.files import open_input, read_bytes
from caffe_lite.proto.foreign import foreign, shorten


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (RuntimeError("\n  first\nsecond"), "first"),
        (KeyError("no 'x'"), "no 'x'"),
        (OSError(2, "No such file"), "No such file"),
        (OSError("plain"), "plain"),
        (Exception(b"Corruption: \xff"), "Corruption: \N{REPLACEMENT CHARACTER}"),
        (NotImplementedError(), "NotImplementedError"),
        (MemoryError(), "not enough memory"),
        (RecursionError("deep\x1b[2J"), "deep?[2J"),
        (ValueError("x" * 5000), "x" * 197 + "..."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_raised_becomes_one_error(error, says):
    with pytest.raises(DataError) as caught, foreign(lambda reason: DataError(f"a.h5: {reason}")):
        raise error
    assert str(caught.value) == f"a.h5: {says}"
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [ModelError("ours"), KeyboardInterrupt(), SystemExit(3)])
def test_our_errors_and_requests_to_end_pass(error):
    with pytest.raises(type(error)) as caught, foreign(DataError):
        raise error
    assert caught.value is error


def test_shortened_text():
    assert shorten("abc") == "abc"
    assert shorten("a" * 41) == "a" * 37 + "..."
    assert shorten("a\tb\nc") == "a?b?c"


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no /dev/zero")
@pytest.mark.parametrize("read", [read_bytes, read_mean, lambda path: read_lines(path, "images")])
def test_devices_without_an_end_are_refused(read):
    with pytest.raises(CaffeError, match="/dev/zero: is a device or socket; a file is expected"):
        read("/dev/zero")


def test_files_that_cannot_be_opened(tmp_path):
    def error(reason):
        return PrototxtError(reason, "a")

    with pytest.raises(PrototxtError, match=r"^a: no such file \(looked in /.*\)$"):
        open_input(tmp_path / "a", error)
    with pytest.raises(PrototxtError, match="^a: is a folder; a file is expected$"):
        open_input(tmp_path, error)
    with pytest.raises(PrototxtError, match="^a: cannot be read: .*null"):
        open_input("a\0", error)
    with pytest.raises(PrototxtError, match="^a: cannot be read: File name too long"):
        open_input("a" * 5000, error)
