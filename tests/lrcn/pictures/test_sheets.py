"""Contact sheets, captions word by word, retrieval grids, score sheets."""

import numpy as np
import pytest
from PIL import ImageColor

from caffe_lite.lrcn.pictures.canvas import INK, RIGHT, SERIES, TRACK
from caffe_lite.lrcn.pictures.contact_sheet import CaptionedImage, draw_contact_sheet
from caffe_lite.lrcn.pictures.retrieval_grid import Match, draw_retrieval_grid
from caffe_lite.lrcn.pictures.score_sheet import Scored, draw_score_sheet
from caffe_lite.lrcn.pictures.words import END, Spoken, draw_words
from tests.lrcn.pictures.looking import has_free_edges, longest, photo, runs

LONG = " ".join(f"word{i}" for i in range(40))
SHOWN = np.full((30, 40, 3), (10, 20, 250), np.uint8)  # red in B G R
RED = "#fa140a"


def blue_pixels(picture):
    return int((np.asarray(picture) == ImageColor.getrgb(SERIES[0])).all(axis=2).sum())


@pytest.mark.parametrize("count, columns", [(1, 1), (2, 2), (7, 4), (100, 6)])
def test_every_image_is_on_the_sheet(count, columns):
    items = [CaptionedImage(f"{i}.png", SHOWN, [("a dog", -1.0)]) for i in range(count)]
    picture = draw_contact_sheet("title", items)
    assert has_free_edges(picture)
    image = np.asarray(picture)
    red = (image == (250, 20, 10)).all(axis=2)
    rows = np.flatnonzero(np.diff(np.concatenate([[0], red.any(axis=1).astype(int)])) == 1)
    first = red[rows[0]].astype(int)
    assert len(rows) == -(-count // columns)
    assert (np.diff(np.concatenate([[0], first])) == 1).sum() == columns
    last = red[rows[-1]].astype(int)
    assert (np.diff(np.concatenate([[0], last])) == 1).sum() == count - columns * (len(rows) - 1)


def test_a_long_caption_makes_its_row_higher_and_no_other():
    def sheet(*captions):
        return draw_contact_sheet("t", [CaptionedImage("n", SHOWN, [(c, -1.0)]) for c in captions])

    short = sheet(*["a dog"] * 6)  # 3 columns, 2 rows
    one, both = sheet(LONG, *["a dog"] * 5), sheet(LONG, LONG, *["a dog"] * 4)
    assert one.height > short.height + 100
    assert both.height == one.height
    assert has_free_edges(both)


def test_a_caption_of_forty_long_words_is_whole_and_one_of_a_thousand_is_cut():
    heights = [
        draw_contact_sheet("t", [CaptionedImage("n", SHOWN, [("longwords " * n, -1.0)])] * 2).height
        for n in (40, 46, 1000, 1003)
    ]
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_more_captions_of_an_image_are_shown():
    one = draw_contact_sheet("t", [CaptionedImage("n", SHOWN, [("a dog", -1.0)])])
    two = draw_contact_sheet("t", [CaptionedImage("n", SHOWN, [("a dog", -1.0), ("a cat", -2.0)])])
    assert two.height - one.height > 20


def test_without_an_image_or_words():
    picture = draw_contact_sheet("t", [CaptionedImage("n", None, [("", -1.0)])])
    assert longest(picture, TRACK) == 480 and longest(picture, RED) == 0
    assert has_free_edges(picture)


def test_odd_names_fit():
    names = ["é ß 日本 \udc80.png", "x" * 400, "a b\nc", ""]
    items = [CaptionedImage(name, photo(1), [(name, -1.0)]) for name in names]
    assert has_free_edges(draw_contact_sheet("title " * 60, items))
    assert has_free_edges(draw_words("t", [Spoken(n, None, [(n, 0.5)]) for n in names]))
    assert has_free_edges(
        draw_retrieval_grid("t" * 300, "s " * 300, [(n, [Match(n, None, 1, 0.1)]) for n in names]),
        4,
    )
    assert has_free_edges(
        draw_score_sheet(
            "t" * 200,
            {"x" * 80: 0.2},
            "CIDEr",
            [Scored(name, 1.0, name * 3, [name, LONG]) for name in names],
        )
    )


def test_a_column_is_as_high_as_its_word_is_likely():
    spoken = Spoken("n", SHOWN, [("a", 1.0), ("dog", 0.5), ("runs", 0.25), (END, 0.0)])
    picture = np.asarray(draw_words("t", [spoken]))
    blue = (picture == tuple(bytes.fromhex(SERIES[0][1:]))).all(axis=2)
    columns = np.flatnonzero(blue.sum(axis=0) > 5)
    starts = [c for c in columns if c - 1 not in columns]
    heights = [int(blue[:, c].sum()) for c in starts]
    assert heights == [56, 28, 14]
    bottoms = {int(np.flatnonzero(blue[:, c]).max()) for c in starts}
    assert len(bottoms) == 1


def test_forty_words_are_wrapped():
    one = draw_words("t", [Spoken("n", SHOWN, [("a", 0.5)])])
    forty = draw_words("t", [Spoken("n", SHOWN, [(w, 0.5) for w in LONG.split()])])
    assert forty.height > one.height + 100 and forty.width == one.width
    assert has_free_edges(forty)
    assert blue_pixels(forty) == 40 * blue_pixels(one) > 0


def test_the_right_image_is_framed():
    def grid(*right):
        matches = [Match(f"{i}", SHOWN, i + 1, -1.0, i in right) for i in range(5)]
        return draw_retrieval_grid("title", "", [("a dog", matches)])

    assert longest(grid(), RIGHT) < 30
    for place in range(5):
        _, x, length = max(runs(grid(place), RIGHT), key=lambda run: run[2])
        assert (x, length) == (16 - 4 + place * 172, 168)


@pytest.mark.parametrize("count", [1, 6, 7, 30])
def test_a_query_with_many_matches_has_several_rows(count):
    matches = [Match(f"{i}", SHOWN, i + 1, -1.0) for i in range(count)]
    picture = draw_retrieval_grid("t", "s", [("a dog", matches)] * 2)
    one = draw_retrieval_grid("t", "s", [("a dog", matches[:1])] * 2)
    rows = -(-count // 6)
    assert 2 * (rows - 1) * 140 <= picture.height - one.height <= 2 * (rows - 1) * 180
    assert has_free_edges(picture)


def test_scores_are_bars_on_their_own_scales():
    scores = {"BLEU-4": 0.5, "CIDEr": 2.5}
    picture = draw_score_sheet("t", scores, "CIDEr", [Scored("1", 2.5, "a dog", ["a dog runs"])])
    lengths = [length for y, _, length in runs(picture, SERIES[0], 40)]
    track = max(length for _, _, length in runs(picture, TRACK, 40)) * 4 / 3  # 3/4 are left free
    assert [lengths[0], lengths[-1]] == pytest.approx([track / 2, track / 4], abs=2)
    named = draw_score_sheet("t", {"METEOR (exact, stem, synonym)": 0.5}, "CIDEr", [])
    assert 0 < longest(named, SERIES[0]) < lengths[0]


def test_the_best_and_the_worst_captions():
    def sheet(count):
        rows = [Scored(f"{i}", float(i), "a dog", ["a dog runs"]) for i in range(count)]
        return draw_score_sheet("t", {"CIDEr": 1.0}, "CIDEr", rows)

    assert sheet(11).height == sheet(10).height + 44  # a second heading, and 10 captions
    assert sheet(500).height == sheet(11).height
    assert longest(sheet(3), INK) > 0
