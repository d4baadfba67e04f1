"""Text that fits: measured, shortened and wrapped."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_lite.errors import CaffeError
from caffe_lite.lrcn.pictures import text
from caffe_lite.lrcn.pictures.text import font, printable, shorten, width, wrap


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1), st.integers(20, 300))
def test_lines_fit_and_hold_all_letters(given_text, room):
    shown = printable(given_text)
    lines = wrap(shown, font(14), room)
    assert all(width(line, font(14)) <= room or len(line) == 1 for line in lines)
    assert "".join(lines).replace(" ", "") == shown.replace(" ", "")


def test_lines_are_broken_at_spaces_and_cut_with_an_ellipsis():
    room = width("one two three", font(14))
    assert wrap("one two three four", font(14), room) == ["one two three", "four"]
    lines = wrap(" ".join(["word"] * 40), font(14), 100, most=3)
    assert len(lines) == 3 and lines[-1].endswith("…") and width(lines[-1], font(14)) <= 100
    assert wrap("one two", font(14), 500, most=1) == ["one two"]


def test_a_text_that_fits_is_not_shortened():
    assert shorten("short", font(12), width("short", font(12))) == "short"
    cut = shorten("a long name of a file.png", font(12), 80)
    assert cut.startswith("a long") and cut.endswith("…") and width(cut, font(12)) <= 80


def test_what_cannot_be_printed_is_replaced():
    assert printable("a\n\tb   c ") == "a b c"
    assert printable("e\N{COMBINING ACUTE ACCENT}tude") == "étude"
    assert printable("nul\x00 surrogate \udc80") == "nul� surrogate �"


def test_letters_of_many_scripts_are_not_the_box_of_a_missing_one():
    missing = font(20).getmask("\U0010fffe")
    for letter in "éßŁΩЖ→…�":
        mask = font(20).getmask(letter)
        assert bytes(mask) != bytes(missing), letter


def test_the_extra_is_named_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    text._fonts.cache_clear()
    text.font.cache_clear()
    with pytest.raises(CaffeError, match=r'pip install "caffe_lite\[demo\]"'):
        font(14)
    text._fonts.cache_clear()
