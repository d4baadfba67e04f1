"""Flow as colour: hue and saturation from the formula, and sheets of frames and flow."""

import colorsys

import numpy as np
import pytest

from caffe_lite.data.flow_images import encode_flow
from caffe_lite.lrcn.pictures.flow_sheet import (
    Motion,
    colour_flow,
    colour_wheel,
    decode_flow,
    draw_flow_sheet,
    fastest_motion,
)
from tests.lrcn.pictures.looking import has_free_edges, photo


def test_colours_are_hsv_of_direction_and_speed():
    flow = np.random.default_rng(0).normal(0, 3, (40, 2))
    found = colour_flow(flow, 5.0)
    for (x, y), colour in zip(flow, found, strict=True):
        hue = np.arctan2(y, x) / (2 * np.pi) % 1
        red, green, blue = colorsys.hsv_to_rgb(hue, min(np.hypot(x, y) / 5, 1), 1)
        np.testing.assert_allclose(colour, [255 * blue, 255 * green, 255 * red], atol=0.51)


def test_the_named_directions():
    right, down, left, up, none = colour_flow(
        np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [0, 0]]), 1.0
    )
    assert right.tolist() == [0, 0, 255] and left.tolist() == [255, 255, 0]
    assert down.tolist() == [0, 255, 128] and up.tolist() == [255, 0, 128]
    assert none.tolist() == [255, 255, 255]


def test_flow_images_are_decoded():
    flow = np.random.default_rng(0).uniform(-5, 5, (6, 7, 2))
    np.testing.assert_allclose(decode_flow(encode_flow(flow)), flow, atol=0.5 / 16 + 1e-6)
    np.testing.assert_allclose(decode_flow(encode_flow(flow, 20), 20), flow, atol=0.5 / 20 + 1e-6)


def test_the_wheel_has_every_direction_and_white_around():
    wheel = colour_wheel(41)
    assert (wheel[0, 0] == 255).all() and (wheel[20, 20] > 240).all()
    assert wheel[20, 40, 2] > 250 > 20 > wheel[20, 40, 0], "right is red"
    assert wheel[40, 20, 1] > 250, "down is green"


def test_the_scale_ignores_outliers_and_resting_pixels():
    flow = np.zeros((100, 100, 2))
    assert fastest_motion([flow]) == 1.0
    flow[:50, :, 0] = 4.0
    flow[0, 0] = 1000.0
    assert fastest_motion([flow, np.zeros((5, 6, 2))]) == pytest.approx(4.0)


@pytest.mark.parametrize(
    "videos, moments, size", [(1, 1, (9, 12)), (2, 6, (240, 320)), (3, 2, (60, 9))]
)
def test_sheets(videos, moments, size):
    def motion(i, x):
        return Motion(i + 2, photo(i, *size) if i % 2 else None, np.full((*size, 2), (x, 0.0)))

    sheet = draw_flow_sheet(
        "title",
        [(f"vidéo {v}" * 30, [motion(i, 4.0) for i in range(moments)]) for v in range(videos)],
    )
    assert has_free_edges(sheet)
    red = (np.asarray(sheet) == (255, 0, 0)).all(axis=2)
    assert red.sum() > videos * moments * 500
