"""Videos that are written can be read again."""

import sys

import numpy as np
import pytest

from caffe_lite.data.video import decode_video
from caffe_lite.data.video_writer import write_video
from caffe_lite.errors import CaffeError, DataError

pytest.importorskip("av", reason="PyAV is not installed")


def frame(level, height=32, width=48):
    return np.full((height, width, 3), (level, 100, 200 - level), np.uint8)


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("count, rate", [(1, 25), (9, 12.5)])
def test_frames_and_times_survive(tmp_path, ending, count, rate):
    path = tmp_path / f"video{ending}"
    images = [frame(20 * i) for i in range(count)]
    assert write_video(path, iter(images), rate) == count
    found = list(decode_video(path))
    assert [time for time, _ in found] == pytest.approx([i / rate for i in range(count)], abs=2e-3)
    for image, (_, read) in zip(images, found, strict=True):
        assert abs(read.astype(int) - image).mean() < 4
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "name, images, message",
    [
        ("v.avi", [frame(0)], "v.avi: videos are written as .mp4, .mkv, .mov"),
        ("v.mp4", [], "a video needs at least one frame"),
        ("v.mp4", [frame(0, 31)], "frames need an even height and width, got 31x48"),
        ("v.mp4", [frame(0), frame(0, 34)], "the first 32x48; give all frames one size"),
    ],
)
def test_errors_leave_no_file(tmp_path, name, images, message):
    with pytest.raises(DataError, match=message):
        write_video(tmp_path / name, images)
    assert not list(tmp_path.iterdir())


def test_the_extra_is_named_without_pyav(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(CaffeError, match=r'pip install "caffe_lite\[video\]"'):
        write_video(tmp_path / "v.mp4", [frame(0)])
