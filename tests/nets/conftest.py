"""The small net with inputs."""

import numpy as np
import pytest

from tests.nets.small_net import SMALL, build


@pytest.fixture
def net():
    net = build(SMALL % "")
    rng = np.random.default_rng(0)
    net.blobs["x"].data[...] = rng.normal(size=(5, 3))
    net.blobs["t"].data[...] = rng.normal(size=(5, 2))
    return net
