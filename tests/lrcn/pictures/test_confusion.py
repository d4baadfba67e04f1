"""Confusion matrices: counts, shades, and the accuracy of each class."""

import numpy as np
import pytest

from caffe_lite.lrcn.pictures.canvas import RIGHT
from caffe_lite.lrcn.pictures.confusion import confusion_matrix, draw_confusion
from tests.lrcn.pictures.looking import has_free_edges, runs


def test_counts_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    labels, answers = rng.integers(0, 5, 90), rng.integers(0, 5, 90)
    expected = np.zeros((5, 5), int)
    for label, answer in zip(labels, answers, strict=True):
        expected[label, answer] += 1
    np.testing.assert_array_equal(confusion_matrix(labels, answers, 5), expected)


def test_the_bars_are_the_accuracies_of_the_classes():
    counts = np.array([[3, 1, 0], [0, 0, 2], [0, 0, 0]])
    picture = draw_confusion("t", counts, ["a", "b", "c"])
    lengths = {length for _, _, length in runs(picture, RIGHT, 100)}
    assert lengths == {120}  # 3/4 of 160 pixels; the others are 0


def test_cells_are_green_where_right_and_red_where_wrong():
    counts = np.array([[4, 0], [4, 0]])
    image = np.asarray(draw_confusion("t", counts, ["a", "b"])).astype(int)
    excess = image[..., 0] - image[..., 1]
    red, green = np.argwhere(excess > 150), np.argwhere(excess < -90)
    left = green[green[:, 1] < green[:, 1].min() + 50]
    assert left[:, 0].max() < red[:, 0].min(), "the first row is right, the second wrong"
    assert abs(left[:, 1].min() - red[:, 1].min()) <= 1, "both in the first column"


def test_of_many_classes_those_with_the_most_errors_are_shown():
    counts = np.zeros((400, 400), int)
    np.fill_diagonal(counts, 10)
    counts[37, 38:48] = 1  # 10 right, 10 wrong, of which 10 are in other columns
    picture = draw_confusion("t", counts, [str(i) for i in range(400)])
    assert picture.width < 3000
    lengths = {length for _, _, length in runs(picture, RIGHT, 60)}
    assert lengths == {80, 160}, "the accuracy counts all answers, shown or not"


@pytest.mark.parametrize("classes", [1, 2, 20, 101])
@pytest.mark.parametrize("name", ["x", "a name of a class that is much too long for its label é"])
def test_any_number_of_classes_fits(classes, name):
    counts = np.random.default_rng(0).integers(0, 2000, (classes, classes))
    counts[0] = 0
    picture = draw_confusion("t" * 300, counts, [f"{i} {name}" for i in range(classes)])
    assert has_free_edges(picture)
    assert picture.width < 2400
