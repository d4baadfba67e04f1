"""Timelines follow the probabilities, and annotated frames too."""

import numpy as np
import pytest
from PIL import ImageColor

from caffe_lite.lrcn.pictures.annotated import annotate
from caffe_lite.lrcn.pictures.canvas import SERIES
from caffe_lite.lrcn.pictures.timeline import WIDTH, Strip, draw_timeline
from tests.lrcn.pictures.looking import has_free_edges, longest, photo, runs

NAMES = [f"class {i}" for i in range(7)]


def probabilities(frames, classes=7, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), frames)


def frames(count, height=24, width=32):
    return [photo(i, height, width) for i in range(count)]


def test_the_bars_are_as_long_as_the_classes_are_likely():
    result = np.array([0.1, 0.02, 0.55, 0.2, 0.03, 0.06, 0.04])
    picture = draw_timeline("v", [Strip("frames", frames(9))], probabilities(9), result, NAMES)
    lower = picture.crop((312, picture.height - 150, WIDTH, picture.height))
    found = [longest(lower, colour) for colour in SERIES[:5]]
    expected = [0.55, 0.2, 0.1, 0.06, 0.04]
    assert found == [pytest.approx(share * (WIDTH - 90 - 312), abs=1) for share in expected]
    tops = [runs(lower, colour)[0][0] for colour in SERIES[:5]]
    assert tops == sorted(tops)


def test_the_curves_are_where_the_probabilities_are():
    per_frame = np.empty((12, 2))
    per_frame[:, 0] = np.where(np.arange(12) < 6, 1.0, 0.25)
    per_frame[:, 1] = 0.5
    strips = [Strip("frames", [np.zeros((24, 32, 3), np.uint8)] * 12)]
    picture = draw_timeline("v", strips, per_frame, np.array([0.6, 0.4]), NAMES[:2])
    curves = picture.crop((72, 130, WIDTH - 16, picture.height - 40 - 2 * 26 - 16))
    slot = curves.width / 12

    def heights(colour):  # between the dots of frames, in the middle of the line
        match = np.abs(np.asarray(curves).astype(int) - ImageColor.getrgb(colour)).max(axis=2) < 60
        return [float(np.flatnonzero(match[:, int(slot * (i + 1))]).mean()) for i in (1, 3, 7, 10)]

    first, second = np.array(heights(SERIES[0])), np.array(heights(SERIES[1]))
    np.testing.assert_allclose(second - first, 190 * np.array([0.5, 0.5, -0.25, -0.25]), atol=2)
    np.testing.assert_allclose(second, second[0], atol=1)


@pytest.mark.parametrize("count", [1, 2, 16, 300])
@pytest.mark.parametrize("size", [(24, 32), (32, 32), (240, 320), (400, 90)])
def test_any_number_and_size_of_frames_fits(count, size):
    shown = frames(min(count, 3), *size) * (count // min(count, 3) + 1)
    strips = [Strip("frames", shown[:count]), Strip("flow", shown[: max(1, count - 1)])]
    names = ["a very long name of a class, " * 5 + "Größe"] * 7
    probs = probabilities(count)
    picture = draw_timeline("v" * 300, strips, probs, probs.mean(0), names)
    assert picture.width == WIDTH and 300 < picture.height < 1100
    assert has_free_edges(picture)


def test_flow_that_begins_later_is_below_the_last_frames():
    probs = probabilities(4)
    black = [np.zeros((24, 32, 3), np.uint8)] * 3
    white = [np.full((24, 32, 3), 255, np.uint8)] * 4
    picture = draw_timeline(
        "v", [Strip("frames", white), Strip("flow", black)], probs, probs[0], NAMES
    )
    starts = [x for _, x, _ in runs(picture, "#000000", 100)]
    assert min(starts) > 72 + (WIDTH - 88) // 4


def test_probabilities_that_are_not_numbers_are_drawn_as_such():
    probs = np.full((3, 2), np.nan)
    strips = [Strip("frames", frames(3))]
    picture = draw_timeline("v", strips, probs, probs[0], NAMES[:2])
    assert longest(picture.crop((312, picture.height - 80, WIDTH, picture.height)), SERIES[0]) == 0
    assert len(list(annotate(frames(3), probs, probs[0], NAMES[:2]))) == 3


def test_fewer_classes_than_bars():
    probs = probabilities(3, 2)
    assert (
        draw_timeline("v", [Strip("frames", frames(3))], probs, probs[0], NAMES[:2], 5).height > 300
    )


def test_annotated_frames_follow_each_frame():
    per_frame = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    found = list(annotate(frames(3), per_frame, per_frame.mean(0), NAMES[:2]))
    assert len({image.shape for image in found}) == 1
    lengths = [longest(image[..., ::-1], SERIES[0]) for image in found]
    room = found[0].shape[1] - 60 - 150
    assert lengths == [pytest.approx(share * room, abs=1) for share in (0.9, 0.5, 0.2)]


@pytest.mark.parametrize("size", [(32, 32), (241, 321), (720, 1280), (31, 500), (1200, 1000)])
def test_annotated_frames_have_even_sides(size):
    (image,) = annotate([photo(1, *size)], probabilities(1), probabilities(1)[0], ["x" * 99] * 7)
    assert image.shape[0] % 2 == image.shape[1] % 2 == 0 and image.dtype == np.uint8
    assert 480 <= image.shape[1] <= 1280
