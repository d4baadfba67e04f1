"""Captions and videos through arrays that are not NumPy's: those of a stand-in for a GPU."""

import numpy as np
import pytest

from caffe_lite.lrcn.activity import VideoClassifier
from tests.backend.standin.cupy_module import installed
from tests.lrcn.activity.test_classifier import clip_net, video
from tests.lrcn.caption_nets import build, images, make_captioner

SENTENCES = [[1, 2, 0], [3, 0], [5, 4, 1]]


@pytest.fixture(autouse=True, scope="module")
def device():
    with installed():
        yield


def test_captions_are_those_of_the_cpu():
    shown = images(4, "convnet")
    mine, its = (
        make_captioner(6, "convnet", seed=3, dtype="float32", device=device) for device in (0, None)
    )
    assert mine.parts.net.ops.name == "gpu:0"
    for found, expected in (
        (mine.beam_search(shown, 3, 6), its.beam_search(shown, 3, 6)),
        (mine.sample(shown, 2, seed=1, max_length=6), its.sample(shown, 2, seed=1, max_length=6)),
    ):
        assert [[c.ids for c in beam] for beam in found] == [
            [c.ids for c in beam] for beam in expected
        ]
    np.testing.assert_allclose(
        mine.score_matrix(shown, SENTENCES), its.score_matrix(shown, SENTENCES), rtol=1e-5
    )


def test_videos_are_classified_as_on_the_cpu():
    found = []
    for device in (0, None):
        net = build(clip_net(3), "float32", device)
        rng = np.random.default_rng(1)
        for blob in net.learnable_params:
            blob.load(rng.normal(0, 0.2, blob.shape))
        found.append(VideoClassifier(net, mean=128, scale=0.01).classify(video(7)))
    np.testing.assert_allclose(*found, rtol=1e-4)
    assert np.ptp(found[0]) > 0.05
