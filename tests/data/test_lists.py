"""Text files that list images, windows, videos and classes: numbers and sizes at the limit."""

import time

import numpy as np
import pytest

from caffe_lite.data.frames import read_video_list
from caffe_lite.data.image_list import ImageList
from caffe_lite.data.lists import read_lines, whole_number
from caffe_lite.data.window_file import Window, WindowFile
from caffe_lite.errors import DataError
from caffe_lite.lrcn.activity.classes import read_class_names


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("000000000000012", 12),
        ("2147483647", 2**31 - 1),
        ("-2147483648", -(2**31)),
        ("2147483648", None),
        ("9" * 5000, None),
        ("1_000", None),
        ("+-1", None),
        ("1.0", None),
        ("\N{ARABIC-INDIC DIGIT ONE}", None),
        ("", None),
    ],
)
def test_whole_numbers(text, value):
    assert whole_number(text) == value


LONG = "7" * 20_000


@pytest.mark.parametrize(
    ("read", "line", "says"),
    [
        (read_video_list, f"v {LONG}", ':1: expected a video and its label, got "v 777'),
        (read_class_names, f"{LONG} name", "the numbers of 1 classes must be 1 to 1"),
        (WindowFile, f"# {LONG}", ':1: expected a whole number (int32), got "777'),
        (WindowFile, LONG, ':1: a block must begin with "# index", got "777'),
        (lambda p: ImageList(p, None), f"a {LONG}x", ':1: expected a path and a label, got "a 77'),
        (lambda p: ImageList(p, None), f"a {LONG}", ":1: a label is beyond float32's range: \"77"),
        (lambda p: ImageList(p, None), "a 3.5e38", ":1: a label is beyond float32's range"),
    ],
)
def test_long_numbers_are_refused_at_once(tmp_path, read, line, says):
    path = tmp_path / "list.txt"
    path.write_text(line + "\n")
    start = time.process_time()
    with pytest.raises(DataError) as error:
        read(path)
    assert says in str(error.value)
    assert len(str(error.value)) < len(str(path)) + 300
    assert time.process_time() - start < 1  # 28 s when the time was quadratic


def test_line_ends_and_blank_lines(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbfa 1\r\n\r\n \x1c\nb\xfc 2\n\tc 3")
    assert list(read_lines(path, "things")) == [(1, "a 1"), (4, "b\udcfc 2"), (5, "c 3")]
    images = ImageList(path, np.random.default_rng(0), root_folder="r/")
    assert images.paths == ["a", "b\udcfc", "c"]
    np.testing.assert_array_equal(images.labels, np.float32([[1], [2], [3]]))


def test_windows_are_kept_as_numbers(tmp_path):
    path = tmp_path / "windows.txt"
    rows = ["1 0.9 1 2 30 40", "2 0.7 0 0 9 9", "0 0.1 3 4 5 6", "1 0.5 7 7 8 8"]
    block = f"a.png\n3\n50\n60\n{len(rows)}\n" + "\n".join(rows)
    path.write_text(f"# 0\n{block}\n# 1\n{block}\n")
    file = WindowFile(path, 0.6, 0.2, "root/")
    assert file.paths == ["root/a.png", "root/a.png"]
    assert list(file.foreground) == [
        Window(image, *row) for image in (0, 1) for row in [(1, 1, 2, 30, 40), (2, 0, 0, 9, 9)]
    ]
    assert list(file.background) == [Window(image, 0, 3, 4, 5, 6) for image in (0, 1)]
