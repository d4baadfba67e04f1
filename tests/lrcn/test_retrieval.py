"""Retrieval against sorting by hand."""

import numpy as np
import pytest

from caffe_lite.errors import CaffeError
from caffe_lite.lrcn.retrieval import Recall, normalize, retrieve
from tests.lrcn.caption_nets import images, make_captioner


def ranks_by_sorting(scores, image_of):
    """Ranks of the first right caption of each image, and of each caption's image."""
    count = len(scores)
    captions, found = [], []
    for i in range(count):
        order = sorted(range(len(image_of)), key=lambda j: -scores[i][j])
        places = [place for place, j in enumerate(order, 1) if image_of[j] == i]
        if places:
            captions.append(min(places))
    for j, image in enumerate(image_of):
        order = sorted(range(count), key=lambda i: -scores[i][j])
        found.append(1 + order.index(image))
    return captions, found


def test_ranks_are_those_of_sorting():
    rng = np.random.default_rng(1)
    image_of = [3, 0, 0, 1, 3, 3, 6, 1, 5, 4, 0]  # image 2 has no caption
    scores = rng.normal(size=(7, 11))
    captions, found = retrieve(scores, image_of)
    expected = ranks_by_sorting(scores, image_of)
    assert captions.ranks.tolist() == expected[0]
    assert found.ranks.tolist() == expected[1]
    assert len(captions.ranks) == 6 and len(found.ranks) == 11


def test_recall_counts_queries_answered_early_enough():
    recall = Recall(np.array([1, 3, 5, 6, 11, 1]))
    assert recall.summary() == pytest.approx(
        {"R@1": 2 / 6, "R@5": 4 / 6, "R@10": 5 / 6, "median rank": 4, "mean rank": 4.5}
    )
    assert recall.at(3) == 0.5


@pytest.mark.parametrize(
    "value, captions, images", [(0.0, 4, 2.5), (-np.inf, 4, 2.5), (np.nan, 7, 4)]
)
def test_equal_scores_share_their_mean_rank(value, captions, images):
    found = retrieve(np.full((4, 8), value), [0, 0, 1, 1, 2, 2, 3, 3])
    assert found[0].ranks.tolist() == [captions] * 4
    assert found[1].ranks.tolist() == [images] * 8


def test_a_tie_for_the_first_place_is_no_recall_at_one():
    scores = np.array([[3.0, 3.0, 1.0], [0.0, 5.0, 5.0]])
    to_caption, to_image = retrieve(scores, [0, 1, 1])
    assert to_caption.ranks.tolist() == [1.5, 1]  # two right answers that tie are no fault
    assert to_caption.at(1) == 0.5
    assert to_image.ranks.tolist() == [1, 1, 1]
    partly = np.array([[1.0, np.nan, 0.0]])
    assert retrieve(partly, [0, 0, 0])[0].ranks.tolist() == [1]
    assert retrieve(np.array([[1.0, np.nan], [0.0, 0.0]]), [0, 1])[0].ranks.tolist() == [2, 1.5]


def test_images_without_captions_are_candidates():
    scores = np.array([[2.0, 1.0], [3.0, 0.0], [1.0, 2.0]])
    to_caption, to_image = retrieve(scores, [0, 2])
    assert to_caption.ranks.tolist() == [1, 1]
    assert to_image.ranks.tolist() == [2, 1]


def test_normalizing_takes_each_captions_mean_probability_away():
    rng = np.random.default_rng(2)
    probabilities = rng.random((5, 6))
    expected = np.log(probabilities / probabilities.mean(axis=0))
    np.testing.assert_allclose(normalize(np.log(probabilities)), expected)
    far = np.log(probabilities) - 2000  # exp of these is 0
    np.testing.assert_allclose(normalize(far), expected, rtol=1e-9)
    certain = np.array([[-1.0, -9.0], [-2.0, -7.0]])
    certain[:, 0] += 6  # caption 0 is likely about both images
    assert retrieve(certain, [0, 1])[0].ranks.tolist() == [1, 2]
    assert retrieve(normalize(certain), [0, 1])[0].ranks.tolist() == [1, 1]


def test_a_captioners_scores_retrieve():
    captions, shown = make_captioner(6, batch_size=2), images(3)
    sentences = [list(c.ids) for c in captions.greedy(shown, max_length=5)]
    scores = captions.score_matrix(shown, sentences)
    assert scores.shape == (3, 3)
    found = retrieve(normalize(scores), [0, 1, 2])[1]
    assert found.ranks.tolist() == [
        1 + int((normalize(scores)[:, j] > normalize(scores)[j, j]).sum()) for j in range(3)
    ]


@pytest.mark.parametrize(
    "scores, image_of",
    [
        (np.zeros((2, 3)), [0, 1]),
        (np.zeros((2, 2)), [0, 2]),
        (np.zeros((2, 2)), [0, -1]),
        (np.zeros((0, 0)), []),
        (np.zeros((2, 0)), []),
    ],
)
def test_shapes_that_do_not_agree_are_told(scores, image_of):
    with pytest.raises(CaffeError, match=r"retrieval takes scores \(images, captions\)"):
        retrieve(scores, image_of)
