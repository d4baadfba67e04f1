"""Moving digits: drawing, flow, captions, and frames that do not tell the motion."""

import math

import numpy as np
import pytest

from caffe_lite.datasets import render
from caffe_lite.datasets.captions import VOCABULARY
from caffe_lite.datasets.digits import load_digits
from caffe_lite.datasets.motions import FRAMES, MOTIONS, RELATIONS, SIZE, Paths
from caffe_lite.datasets.moving_digits import make_clips


@pytest.fixture(scope="module")
def clips():
    return make_clips(3000, 4)


def test_same_seed_same_clips():
    first, second, other = make_clips(23, 6), make_clips(23, 6), make_clips(23, 7)
    np.testing.assert_array_equal(first.frames, second.frames)
    assert first.captions == second.captions
    assert (first.frames != other.frames).any()
    assert (first.frames != make_clips(23, 6, "test").frames).any()
    assert np.ptp(np.bincount(first.labels, minlength=10)) <= 1


def still(x=16.0, y=15.0, angle=0.0, scale=2.0, count=1):
    """Paths of one clip whose first digit stands still, and the second beside it."""
    at = np.ones((1, 2, FRAMES + 1))
    xs = np.stack([at[:, 0] * x, at[:, 0] * (x + 9)], 1)
    one = np.zeros(1, int)
    return Paths(one, one + count, one, xs, at * y, at * angle, at * scale)


@pytest.mark.parametrize("angle, count", [(0, 1), (25, 1), (-50, 2)])
def test_drawing_against_its_formula(angle, count, rng):
    scans = rng.integers(0, 17, (1, 2, 8, 8)).astype(np.uint8)
    paths = still(15.3, 14.6, angle, 1.7, count)
    frame = render.render(scans, paths)[0, 3]
    turn = math.radians(angle)
    worst = 0
    for row in range(SIZE):
        for column in range(SIZE):
            ink = 0
            for digit in range(count):
                dx, dy = column - paths.x[0, digit, 0], row - paths.y[0, digit, 0]
                u = (math.cos(turn) * dx + math.sin(turn) * dy) / 1.7 + 3.5
                v = (math.cos(turn) * dy - math.sin(turn) * dx) / 1.7 + 3.5
                level = 0
                for i in range(8):
                    for j in range(8):
                        near = max(0, 1 - abs(v - i)) * max(0, 1 - abs(u - j))
                        level += scans[0, digit, i, j] * near
                ink = max(ink, level)
            worst = max(worst, abs(ink * 255 / 16 - frame[row, column]))
    assert worst <= 0.51


def test_angles_are_clockwise():
    scans = np.zeros((1, 2, 8, 8), np.uint8)
    scans[0, 0, :2, 3:5] = 16  # a mark at the top
    frame = render.render(scans, still(angle=90))[0, 0]
    rows, columns = np.nonzero(frame)
    assert columns.min() > 16 and abs(rows.mean() - 15) < 1  # is now at the right


def centroids(frames):
    """Centre of ink and its amount, frame by frame: three arrays (n, 16)."""
    ink = frames.sum((2, 3), dtype=np.float64)
    pixel = np.arange(SIZE)
    x = (frames.sum(2) * pixel).sum(-1) / ink
    y = (frames.sum(3) * pixel).sum(-1) / ink
    return x, y, ink


def test_motions_are_what_they_are_called(clips):
    x, y, ink = centroids(clips.frames)

    def of(motion, values):
        return np.diff(values[clips.labels == MOTIONS.index(motion)], axis=1)

    assert (of("moves left", x) < 0).mean() > 0.99 < (of("moves right", x) > 0).mean()
    assert (of("moves up", y) < 0).mean() > 0.99 < (of("moves down", y) > 0).mean()
    assert (of("grows", ink) > 0).mean() > 0.99 < (of("shrinks", ink) < 0).mean()
    bounces = of("bounces", y)
    assert ((bounces[:, 1:] * bounces[:, :-1] < 0).sum(1) >= 2).mean() > 0.9
    circles = of("circles", x) + 1j * of("circles", y)
    turned = np.angle(circles[:, 1:] / circles[:, :-1]).sum(1)
    assert (np.abs(turned) > 1.5 * np.pi).mean() > 0.95 and abs((turned > 0).mean() - 0.5) < 0.15
    for motion, sign in (("turns clockwise", 1), ("turns counterclockwise", -1)):
        angle = clips.paths.angle[clips.labels == MOTIONS.index(motion)]
        assert (sign * np.diff(angle, axis=2) > 0).all()


def test_a_single_frame_does_not_tell_the_motion(clips):
    """Moments of the frames have one mean and one spread, whatever the motion."""
    x, y, ink = centroids(clips.frames)
    share = clips.frames / clips.frames.sum((2, 3), keepdims=True, dtype=np.float64)
    dx = np.arange(SIZE) - x[..., None]
    dy = np.arange(SIZE) - y[..., None]
    moments = [
        x,
        y,
        ink,
        np.einsum("ntij,ntj,nti->nt", share, dx, dy),
        np.einsum("ntij,nti->nt", share, dy**2),
        np.einsum("ntij,ntj->nt", share, dx**2),
    ]
    for moment in moments:
        centred = moment - moment.mean()
        for power in (1, 2):
            values = (centred**power).mean(1)
            for label, motion in enumerate(MOTIONS):
                mine = values[clips.labels == label]
                error = mine.std() / np.sqrt(len(mine))
                assert abs(mine.mean() - values.mean()) < 4.5 * error, motion


def sample(image, x, y):
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    u, v = x - left, y - top
    padded = np.pad(image.astype(float), 2)
    left, top = np.clip(left + 2, 0, SIZE + 2), np.clip(top + 2, 0, SIZE + 2)
    return (
        padded[top, left] * (1 - u) * (1 - v)
        + padded[top, left + 1] * u * (1 - v)
        + padded[top + 1, left] * (1 - u) * v
        + padded[top + 1, left + 1] * u * v
    )


@pytest.mark.parametrize("label", range(10))
def test_flow_leads_to_the_next_frame(clips, label):
    rows, columns = np.mgrid[:SIZE, :SIZE]
    moved = stood = 0.0
    for index in np.flatnonzero(clips.labels == label)[:12]:
        clip = clips[index]
        assert clip.flow.shape == (FRAMES, SIZE, SIZE, 2)
        for time in range(FRAMES - 1):
            inked = clip.frames[time] > 0
            x, y = columns + clip.flow[time, ..., 0], rows + clip.flow[time, ..., 1]
            now, after = clip.frames[time].astype(float), clip.frames[time + 1].astype(float)
            moved += np.abs(sample(after, x, y) - now)[inked].mean()
            stood += np.abs(after - now)[inked].mean()
            assert not clip.flow[time][clip.frames[time] == 0].any()
    # Sampling a drawn frame blurs it once more; slow motions differ less between frames.
    assert moved < (0.8 if "turns" in MOTIONS[label] else 0.6) * stood


def test_captions_say_what_is_shown(clips):
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    for index in range(200):
        clip = clips[index]
        words = clip.caption.split()
        assert [VOCABULARY[i - 1] for i in clip.words] == words
        assert [names.index(word) for word in words if word in names] == list(clip.digits)
        assert MOTIONS[clip.label] in clip.caption
        assert ("an eight" in clip.caption) == (8 in clip.digits)
        x, y = clips.paths.x[index, :, 0], clips.paths.y[index, :, 0]
        relation = [word for word in words if word in RELATIONS]
        assert len(relation) == len(clip.digits) - 1
        if relation:
            assert {"above": y[0] < y[1] - 9, "below": y[0] > y[1] + 9, "beside": x[0] < x[1] - 9}[
                relation[0]
            ]


@pytest.mark.parametrize("split", ["train", "test"])
def test_clips_show_the_digits_of_their_split(split):
    clips = make_clips(40, 9, split)
    scans = {image.tobytes(): label for image, label in zip(*load_digits(split), strict=True)}
    shown = [
        (scan.tobytes(), digit)
        for scan, digit in zip(clips._scans.reshape(-1, 8, 8), clips.digits.ravel(), strict=True)
    ]
    assert all(scans[scan] == digit for scan, digit in shown)
