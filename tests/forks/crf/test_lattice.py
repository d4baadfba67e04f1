import numpy as np
import pytest

from caffe_lite.forks.crf._lattice import Lattice

RNG = np.random.default_rng(6)


def exact(features, values):
    squares = ((features[:, None] - features[None]) ** 2).sum(axis=-1)
    return np.exp(-squares / 2) @ values


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_normalized_filtering_is_nearly_that_by_all_pairs(d):
    features = RNG.normal(0, 1.6 / np.sqrt(d), (400, d))
    values = np.sin(features.sum(axis=1, keepdims=True) + [0, 1.0])
    lattice, ones = Lattice(features), np.ones((400, 1))
    mine = lattice.filter(values) / lattice.filter(ones)
    theirs = exact(features, values) / exact(features, ones)
    assert abs(mine - theirs).mean() < 0.12 * abs(theirs).mean()
    assert np.corrcoef(mine[:, 0], theirs[:, 0])[0, 1] > 0.97


def test_a_single_point_keeps_its_share():
    """A far point has no neighbours: what is blurred away from its corners is lost."""
    features = np.array([[0.3, 0.1], [500.0, -80.0]])
    out = Lattice(features).filter(np.eye(2))
    assert out[0, 1] == out[1, 0] == 0
    assert 0.3 < out[0, 0] < 1.5


def test_the_transpose():
    lattice = Lattice(RNG.normal(size=(30, 3)))
    forward = lattice.filter(np.eye(30))
    np.testing.assert_allclose(lattice.filter(np.eye(30), transposed=True), forward.T, atol=1e-12)


def test_corner_weights_are_barycentric():
    features = RNG.normal(size=(50, 4)) * 3
    lattice = Lattice(features)
    assert (lattice._weights >= -1e-9).all()
    np.testing.assert_allclose(lattice._weights.sum(axis=1), 1)


def test_wide_spread_features_need_large_numbers():
    features = np.array([[0.0] * 5, [1e6] * 5, [-1e6, 1e6, 0, 1e5, 3]])
    out = Lattice(features).filter(np.eye(3))
    assert (np.diag(out) > 0).all() and not out[~np.eye(3, dtype=bool)].any()
