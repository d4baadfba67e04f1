"""Lists of images and labels: how lines are read, shuffling, skipping, resuming."""

import json

import numpy as np
import pytest

from caffe_lite.data.image_list import ImageList
from caffe_lite.errors import DataError


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """Return a function that writes a list of these lines and opens it."""
    monkeypatch.chdir(tmp_path)

    def make(text, seed=0, **options):
        (tmp_path / "list.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
        return ImageList("list.txt", np.random.default_rng(seed), **options)

    return make


def entries(images, count):
    return [(path, *labels.tolist()) for path, labels in (images.next() for _ in range(count))]


def test_paths_and_labels(listed):
    images = listed("a b/c.jpg 3\r\n\n  e.png\t-1\n", root_folder="root/")
    assert len(images) == 2 and images.label_count == 1
    assert entries(images, 3) == [("root/a b/c.jpg", 3), ("root/e.png", -1), ("root/a b/c.jpg", 3)]


def test_a_byte_order_mark_is_no_path_and_odd_spaces_are_no_line_ends(listed):
    images = listed("\ufeffa.jpg 1\r\nb\x1c\u2028\x85c.jpg 2\r\n")
    assert entries(images, 2) == [("a.jpg", 1), ("b\x1c\u2028\x85c.jpg", 2)]


def test_several_labels_and_fractions(listed):
    images = listed("a.jpg 0.5 -2 1e3\nb.jpg 1 2 3\n")
    assert entries(images, 2) == [("a.jpg", 0.5, -2, 1000), ("b.jpg", 1, 2, 3)]
    assert entries(listed("a.jpg 0.25\n"), 1) == [("a.jpg", 0.25)]


def test_a_path_that_ends_in_a_number(listed, tmp_path):
    (tmp_path / "frame 7").touch()
    assert entries(listed("frame 7 3\n"), 1) == [("frame 7", 3)]
    assert entries(listed("shot 7 3\n"), 1) == [("shot", 7, 3)]
    assert entries(listed("shot 7 3\n", label_count=1), 1) == [("shot 7", 3)]


def test_a_list_that_goes_from_its_own_folder(listed, tmp_path, monkeypatch):
    listed("a.png 1\nb 2 2\n")
    (tmp_path / "a.png").touch()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    images = ImageList("../list.txt", np.random.default_rng(0))
    assert entries(images, 2) == [("../a.png", 1), ("../b 2", 2)]
    (tmp_path / "elsewhere" / "a.png").touch()
    assert ImageList("../list.txt", np.random.default_rng(0)).next()[0] == "a.png"
    assert ImageList("../list.txt", np.random.default_rng(0), "x/").next()[0] == "x/a.png"


def test_names_that_are_not_utf8(listed, tmp_path):
    import os

    path = listed(b"caf\xe9.png 3\n").next()[0]
    assert os.fsencode(path) == b"caf\xe9.png"


LINES = "".join(f"{i}.png {i}\n" for i in range(11))


def test_each_pass_has_every_entry_once_in_another_order(listed):
    images = listed(LINES, shuffle=True)
    passes = [[label for _, label in entries(images, 11)] for _ in range(20)]
    assert all(sorted(labels) == list(range(11)) for labels in passes)
    assert len({tuple(labels) for labels in passes}) == 20


def test_skipping(listed):
    starts = {listed(LINES, seed, rand_skip=4).next()[0] for seed in range(40)}
    assert starts == {f"{i}.png" for i in range(4)}
    with pytest.raises(DataError, match="rand_skip"):
        for seed in range(40):
            listed("a.png 1\n", seed, rand_skip=4)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("consumed", [0, 1, 11, 13])
def test_resuming(listed, shuffle, consumed):
    images = listed(LINES, 1, shuffle=shuffle, rand_skip=3)
    entries(images, consumed)
    state = json.loads(json.dumps(images.get_state()))
    expected = entries(images, 40)
    other = listed(LINES, 2, shuffle=shuffle, rand_skip=3)
    other.set_state(state)
    assert entries(other, 40) == expected
    with pytest.raises(DataError, match="the saved state"):
        listed("a 1\n").set_state({**state, "position": 2})


@pytest.mark.parametrize(
    "text, reason",
    [
        ("a.jpg 1\nb.jpg\n", ':2: expected a path and a label, got "b.jpg"'),
        ("a.jpg 1\nb.jpg two\n", ":2: "),
        ("a.jpg 1 2\nb.jpg 3\n", ":2: expected a path and 2 labels"),
        ("a.jpg nan\n", ":1: "),
        ("", "empty"),
    ],
)
def test_broken_lines(listed, text, reason):
    with pytest.raises(DataError, match=f"list.txt.*{reason}"):
        listed(text)
