import numpy as np
import pytest

from caffe_lite.forks.boxes import frames, overlaps

RNG = np.random.default_rng(3)
SPECIAL = np.array(
    [[0.1, 0.1, 0.1, 0.4], [0.7, 0.2, 0.3, 0.9], [0.2, 0.2, 0.4, 0.4], [0.4, 0.2, 0.6, 0.4]]
)


def boxes(count, low=-0.2, high=1.2):
    corners = np.sort(RNG.uniform(low, high, (count, 2, 2)), axis=1)
    return corners.reshape(count, 4)


def shared(a, b, extent=0):
    width = min(a[2], b[2]) - max(a[0], b[0]) + extent
    height = min(a[3], b[3]) - max(a[1], b[1]) + extent
    return width * height if width > 0 and height > 0 else 0


def area(box, extent=0):
    width, height = box[2] - box[0], box[3] - box[1]
    return 0 if width < 0 or height < 0 else (width + extent) * (height + extent)


@pytest.mark.parametrize("extent", [0, 1])
def test_overlaps_are_those_of_the_formula(extent):
    size = 30 if extent else 1
    a, b = np.concatenate([boxes(7), SPECIAL]) * size, np.concatenate([boxes(5), SPECIAL]) * size
    expected = [
        [
            shared(x, y, extent) / (area(x, extent) + area(y, extent) - shared(x, y, extent))
            if shared(x, y, extent)
            else 0
            for y in b
        ]
        for x in a
    ]
    np.testing.assert_allclose(overlaps.iou(np, a, b, extent), expected, rtol=1e-12)
    assert np.count_nonzero(expected) > 10
    np.testing.assert_allclose(overlaps.areas(np, a, extent), [area(x, extent) for x in a])


def test_a_pixel_box_has_an_area():
    box = np.array([[3.0, 4, 3, 4]])
    assert overlaps.iou(np, box, box, extent=1) == 1
    assert overlaps.iou(np, box, box) == 0


def test_given_areas_replace_the_boxes_own():
    a, b = np.array([[0, 0, 2.0, 2]]), np.array([[1, 0, 3.0, 2]])
    assert overlaps.iou(np, a, b, 0, np.array([8.0]), np.array([6.0]))[0, 0] == 2 / (8 + 6 - 2)


def test_coverage_is_the_part_of_the_first_box():
    a, b = np.concatenate([boxes(6), SPECIAL]), boxes(4)
    expected = [[shared(x, y) / area(x) if shared(x, y) else 0 for y in b] for x in a]
    np.testing.assert_allclose(overlaps.coverage(np, a, b), expected, rtol=1e-12)


def test_nan_overlaps_nothing():
    box = np.array([[0, 0, np.nan, 1]])
    assert overlaps.iou(np, box, np.array([[0, 0, 1.0, 1]])) == 0


def test_clip_and_scale():
    clipped = frames.clip(np, np.array([[-1, 0.5, 3, 9.0]]), height=4, width=2)
    np.testing.assert_array_equal(clipped, [[0, 0.5, 2, 4]])
    np.testing.assert_array_equal(
        frames.scale(np, np.array([[0.5, 0.25, 1, 1.0]]), 8, 6), [[3, 2, 6, 8]]
    )


def test_locate_and_project_are_inverse_inside_the_frame():
    frame, inside = np.array([0.2, -0.1, 0.6, 0.9]), boxes(6, 0.05, 0.95)
    back, kept = frames.project(np, frame, frames.locate(np, frame, inside))
    np.testing.assert_allclose(back, inside, rtol=1e-12)
    assert kept.all()


def test_project_drops_what_shares_no_area():
    frame = np.array([0.5, 0, 1, 0.5])
    given = np.array([[0, 0, 0.5, 1], [0.6, 0.4, 2, 0.8], [0.6, 0.5, 0.7, 0.9], [0.7, 0.1, 0.7, 1]])
    projected, kept = frames.project(np, frame, given)
    assert kept.tolist() == [False, True, False, False]
    np.testing.assert_allclose(projected[1], [0.2, 0.8, 1, 1])


def test_crosses_boundary():
    given = np.array([[0, 0, 1, 1], [-0.1, 0, 1, 1], [0, 0, 1, 1.001]])
    assert frames.crosses_boundary(np, given).tolist() == [False, True, True]
