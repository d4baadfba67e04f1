import numpy as np
import pytest

from caffe_lite.forks.boxes.matching import match


def by_loop(overlaps, threshold):
    priors, truths = overlaps.shape
    matches, best = [-1] * priors, [0.0] * priors
    for i in range(priors):
        best[i] = max((x for x in overlaps[i] if x > 1e-6), default=0.0)
    free = set(range(truths))
    while True:
        pairs = [
            (-overlaps[i, j], i, j)
            for i in range(priors)
            for j in free
            if matches[i] < 0 and overlaps[i, j] > 1e-6
        ]
        if not pairs:
            break
        value, i, j = min(pairs)
        matches[i], best[i] = j, -value
        free.remove(j)
    if threshold is not None:
        for i in range(priors):
            value, j = min((-x, j) for j, x in enumerate(overlaps[i]))
            if matches[i] < 0 and -value >= threshold and -value > 1e-6:
                matches[i] = j
    return matches, best


@pytest.mark.parametrize("threshold", [None, 0.5, 0.0])
@pytest.mark.parametrize("shape", [(9, 4), (3, 5), (1, 1)])
@pytest.mark.parametrize("seed", range(5))
def test_matches_are_those_of_the_loop(shape, threshold, seed):
    rng = np.random.default_rng(seed)
    overlaps = np.round(rng.uniform(-0.4, 1, shape).clip(0), 1)  # rounded: many are equal
    matches, best = match(overlaps, threshold)
    expected = by_loop(overlaps, threshold)
    assert matches.tolist() == expected[0]
    np.testing.assert_allclose(best, expected[1])


def test_a_truth_takes_its_best_prior_below_the_threshold():
    overlaps = np.array([[0.1, 0.8], [0.3, 0.7], [0.0, 0.6]])
    assert match(overlaps, 0.65)[0].tolist() == [1, 0, -1]
    assert match(overlaps, 0.55)[0].tolist() == [1, 0, 1]
    assert match(overlaps)[0].tolist() == [1, 0, -1]


def test_nothing_to_match():
    for shape in ((4, 0), (0, 3)):
        matches, best = match(np.zeros(shape))
        assert len(matches) == len(best) == shape[0]
        assert (matches == -1).all()
