"""Ordered digits: no frame tells the order of two motions, and splits share no scans."""

import h5py
import numpy as np
import pytest

from caffe_lite.datasets.captions import word_ids
from caffe_lite.datasets.export_ordered import activity_rows, write_ordered_digits
from caffe_lite.datasets.ordered_digits import (
    SPLITS,
    VOCABULARY,
    make_ordered_clips,
    say,
    scans,
)
from caffe_lite.datasets.ordered_motions import (
    ACTIVITIES,
    FREQUENT,
    MOTIONS,
    PAIR_OF_DIGIT,
    PAIRS,
    TIMES,
    draw_courses,
    swapped,
)
from caffe_lite.errors import DataError

COUNTS = {"train": 20, "sentences": 40, "validation": 20, "test": 60}


def no_flow(now, then):
    return np.zeros((*now.shape, 2), np.float32)


@pytest.fixture(scope="module")
def twins():
    return [make_ordered_clips(90, 3, "train", swap) for swap in (False, True)]


def test_frames_of_both_orders_are_the_same_frames(twins):
    """So neither a still frame nor a mean over time of anything about frames tells the order."""
    clips, other = twins
    np.testing.assert_array_equal(other.labels, swapped(clips.labels))
    for one, two in zip(clips.frames, other.frames, strict=True):
        assert {frame.tobytes() for frame in one} == {frame.tobytes() for frame in two}
        assert sorted(frame.tobytes() for frame in one) == sorted(frame.tobytes() for frame in two)
        np.testing.assert_array_equal(one.mean(0), two.mean(0))
        assert (one != two).any()


def test_the_order_of_frames_is_that_of_the_activity():
    label = np.repeat(np.arange(len(ACTIVITIES)), 30)
    courses = draw_courses(label, np.random.default_rng(1))
    distance = {
        0: -(courses.x - courses.x[:, :1]),
        1: -(courses.y - courses.y[:, :1]),
        2: np.abs(courses.angle - courses.angle[:, :1]),
        3: np.log(courses.scale / courses.scale[:, :1]),
    }
    for n in np.flatnonzero(label < 4):  # circles and dives both move along x and y
        pair = PAIRS[label[n] // 2]
        first, second = pair if label[n] % 2 == 0 else pair[::-1]
        peaks = [distance[motion][n, courses.order[n]].argmax() for motion in (first, second)]
        assert peaks[0] < peaks[1]
        assert ACTIVITIES[label[n]] == f"{MOTIONS[first]}, then {MOTIONS[second]}"
        assert np.sort(courses.order[n]).tolist() == list(range(TIMES))


def test_speed_and_shake_vary():
    courses = draw_courses(np.zeros(500, int), np.random.default_rng(2))
    far = courses.x.max(1) - courses.x.min(1)
    assert far.min() < 2.5 and far.max() > 7
    shake = np.abs(np.diff(courses.camera, 2, axis=1)).mean((1, 2))
    assert shake.max() > 5 * shake.min()


def test_appearance_tells_the_motions_of_most_clips():
    clips = make_ordered_clips(900, 5, "validation")
    usual = np.take(PAIR_OF_DIGIT, clips.digits) == clips.labels // 2
    assert 0.93 < usual.mean() < 1
    counts = np.bincount(clips.labels, minlength=len(ACTIVITIES))
    np.testing.assert_array_equal(counts, 100 * np.bincount(FREQUENT))


def test_seeds_reproduce():
    first, second, other = (make_ordered_clips(30, seed, "test") for seed in (6, 6, 7))
    np.testing.assert_array_equal(first.frames, second.frames)
    assert first.captions == second.captions
    assert (first.frames != other.frames).any()
    assert (first.frames != make_ordered_clips(30, 6, "train").frames).any()


def test_splits_are_disjoint():
    shown = {split: {scan.tobytes() for scan in scans(split)[0]} for split in SPLITS}
    for one in SPLITS:
        assert set(scans(one)[1]) == set(range(10))
        for other in SPLITS:
            assert one == other or not shown[one] & shown[other]
    with pytest.raises(DataError, match='no split "valid" of the ordered digits'):
        make_ordered_clips(2, 1, "valid")


def test_captions_say_the_order():
    clips = make_ordered_clips(60, 2, "train")
    assert say(8, 1, 4) == (
        "an eight moves up then circles",
        "an eight circles after it moves up",
    )
    forms = {" then " in caption for caption in clips.captions}
    assert forms == {True, False}
    known = word_ids("an eight moves up after it moves left", VOCABULARY)
    assert 1 not in known and len(known) == 8
    for caption, both, motions in zip(
        clips.captions, clips.references, clips.motions.tolist(), strict=True
    ):
        assert caption in both
        assert 1 not in word_ids(caption, VOCABULARY)
        assert all(MOTIONS[motion] in caption for motion in motions)
        assert both != say(clips.digits[0], *motions[::-1])


def test_files_hold_frames_by_time(tmp_path):
    seen = []

    def flow(now, then):
        seen.append((now, then))
        return np.full((*now.shape, 2), (1, -2), np.float32)

    folder = write_ordered_digits(tmp_path / "out", flow, COUNTS, seed=4)
    clips = make_ordered_clips(40, 4, "sentences")
    with h5py.File(folder / "sentences.h5") as file:
        assert file["rgb"].shape == (640, 1, 32, 32) and file["flow"].shape == (640, 3, 32, 32)
        row = 320 + 5 * 20 + 7  # frame 5 of clip 7 of the second batch
        np.testing.assert_array_equal(file["rgb"][row, 0], clips.frames[27, 5])
        np.testing.assert_array_equal(file["flow"][row, :, 0, 0], [200, 64, 160])
        assert file["label"][row] == clips.labels[27] and file["digit"][row] == clips.digits[27]
        markers = file["clip_markers"][:].reshape(2, 16, 20)
        assert not markers[:, 0].any() and markers[:, 1:].all()
    assert len(seen) == 16 * sum(COUNTS.values())
    np.testing.assert_array_equal(seen[20 * 16][0], clips.frames[0, 0])
    np.testing.assert_array_equal(seen[20 * 16 + 15][1], clips.frames[0, 16])
    lines = (folder / "sentences_captions.txt").read_text().splitlines()
    assert lines == clips.captions
    assert (folder / "labels.txt").read_text().splitlines() == list(ACTIVITIES)
    with pytest.raises(DataError, match="holds other data"):
        write_ordered_digits(folder, flow, COUNTS, seed=5)
    with pytest.raises(DataError, match="30 test clips are not whole batches of 20"):
        write_ordered_digits(tmp_path / "other", flow, {**COUNTS, "test": 30})


def test_rows_of_one_batch():
    rows = activity_rows(make_ordered_clips(20, 1, "test"), no_flow)
    assert {name: len(values) for name, values in rows.items()} == dict.fromkeys(rows, 320)
    assert (rows["flow"] == 128).all()
