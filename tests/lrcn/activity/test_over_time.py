"""Probabilities at each frame, from overlapping clips."""

import numpy as np
import pytest

from caffe_lite.lrcn.activity import clip_starts
from caffe_lite.lrcn.activity.over_time import fuse_per_frame, per_frame


@pytest.mark.parametrize(
    "count, length, stride", [(9, 4, 2), (3, 4, 2), (1, 5, 2), (11, 3, 5), (8, 4, 4)]
)
def test_each_frame_is_the_mean_over_its_clips(count, length, stride):
    starts, seen = clip_starts(count, length, stride), min(length, count)
    probs = np.random.default_rng(0).dirichlet(np.ones(3), len(starts) * seen)
    found = per_frame(probs, count, length, stride)
    before = None
    for frame in range(count):
        its = [
            probs[clip * seen + frame - start]
            for clip, start in enumerate(starts)
            if start <= frame < start + seen
        ]
        before = np.mean(its, axis=0) if its else before
        np.testing.assert_allclose(found[frame], before, rtol=1e-12)


def test_flow_is_fused_with_the_last_frames():
    rng = np.random.default_rng(0)
    rgb, flow = rng.dirichlet(np.ones(3), 5), rng.dirichlet(np.ones(3), 4)
    found = fuse_per_frame(rgb, flow, 0.25)
    np.testing.assert_array_equal(found[0], rgb[0])
    np.testing.assert_allclose(found[1:], 0.25 * rgb[1:] + 0.75 * flow)
    longer = fuse_per_frame(flow, rgb, 0.25)
    np.testing.assert_allclose(longer, 0.25 * flow + 0.75 * rgb[1:])
