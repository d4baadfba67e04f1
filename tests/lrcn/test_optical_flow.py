"""Dense flow: known motions, the images that show it, and its building blocks."""

import numpy as np
import pytest

from caffe_lite.data.flow_images import encode_flow
from caffe_lite.data.images import read_image, write_image
from caffe_lite.data.optical_flow import _median, optical_flow
from caffe_lite.datasets.motions import MOTIONS
from caffe_lite.datasets.moving_digits import make_clips
from caffe_lite.errors import DataError
from caffe_lite.lrcn.prepare.flow import write_flow


def texture(height, width, seed=0):
    """Smooth random grey levels, 0 to 255."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = sum(np.sin(a * x + b * y + c) for a, b, c in rng.normal(0, 0.25, (12, 3)))
    return 127 + 100 * waves / np.abs(waves).max()


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, -2), (-6, 5), (0, 1)])
def test_a_moved_texture(dx, dy):
    scene = texture(90, 110)
    first, second = scene[10:74, 10:90], scene[10 - dy : 74 - dy, 10 - dx : 90 - dx]
    flow = optical_flow(first, second)
    assert flow.shape == (64, 80, 2) and flow.dtype == np.float32
    inner = flow[10:-10, 10:-10]
    assert np.abs(inner - (dx, dy)).max() < 0.15


def test_fractions_of_a_pixel():
    scene = texture(48, 61)
    flow = optical_flow(scene[:, :-1], (scene[:, :-1] + scene[:, 1:]) / 2)
    assert abs(flow[5:-5, 5:-5, 0].mean() + 0.5) < 0.05
    assert abs(flow[5:-5, 5:-5, 1].mean()) < 0.05


def test_the_ink_of_moving_digits():
    clips = make_clips(60, 3)
    moving = [MOTIONS.index(f"moves {way}") for way in ("left", "right", "up", "down")]
    chosen = [i for i in range(60) if clips.labels[i] in moving][:6]
    for i in chosen:
        clip = clips[i]
        ink = clip.frames[5] > 100
        flow = optical_flow(clip.frames[5], clip.frames[6])[ink]
        true = clip.flow[5][ink]
        size = np.linalg.norm(true, axis=1).mean()
        assert size > 0.2
        assert np.linalg.norm(flow - true, axis=1).mean() < 0.15 * size


def test_median_of_nine():
    image = np.random.default_rng(0).normal(size=(6, 9)).astype(np.float32)
    found = _median(image)
    for y in range(1, 5):
        for x in range(1, 8):
            assert found[y, x] == np.median(image[y - 1 : y + 2, x - 1 : x + 2])
    assert np.array_equal(found[0], image[0]) and np.array_equal(found[:, -1], image[:, -1])


def test_frames_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match="one size"):
        optical_flow(np.zeros((20, 20)), np.zeros((20, 21)))


def test_flow_images_have_lrcns_scale_and_channels():
    flow = np.array([[[0, 0], [1, 0], [0, -2], [3, 4], [99, -99]]], np.float32)
    blue, green, red = encode_flow(flow)[0].T
    assert red.tolist() == [128, 144, 128, 176, 255]
    assert green.tolist() == [128, 128, 96, 192, 0]
    assert blue.tolist() == [128, 144, 160, 208, 255]


def write_frames(folder, count=4, size=(40, 50)):
    folder.mkdir(parents=True)
    scene = texture(size[0] + 20, size[1] + 40)
    for t in range(count):
        frame = scene[5 + t : 5 + t + size[0], 25 - 2 * t : 25 - 2 * t + size[1]]
        write_image(
            folder / f"{folder.name}.{t + 1:04d}.png",
            np.repeat(frame[..., None], 3, axis=2).astype(np.uint8),
        )


@pytest.mark.parametrize("method", ["tvl1", "dis", "opencv", "auto"])
def test_a_folder_of_frames_becomes_a_folder_of_flow(tmp_path, method):
    if method == "opencv":
        pytest.importorskip("cv2", reason="OpenCV is not installed")
    write_frames(tmp_path / "frames" / "v1")
    assert write_flow(tmp_path / "frames" / "v1", tmp_path / "flow", method)
    names = sorted(path.name for path in (tmp_path / "flow" / "v1").iterdir())
    assert names == [f"flow_image_v1.{t:04d}.jpg" for t in (2, 3, 4)]
    for name in names:
        image = read_image(tmp_path / "flow" / "v1" / name)
        y, x = (np.median(image[..., 1:], axis=(0, 1)) - 128) / 16
        assert abs(x - 2) < 0.3 and abs(y + 1) < 0.3
    assert write_flow(tmp_path / "frames" / "v1", tmp_path / "flow", method) is False


def test_a_folder_that_fails_leaves_nothing_behind(tmp_path):
    write_frames(tmp_path / "frames" / "v1", 3)
    write_image(tmp_path / "frames" / "v1" / "v1.0004.png", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(DataError, match=r"v1.0004.png: is 9x9, the frame before 40x50"):
        write_flow(tmp_path / "frames" / "v1", tmp_path / "flow")
    assert not list((tmp_path / "flow").iterdir())
    write_frames(tmp_path / "frames" / "v2", 1)
    dots = tmp_path / "frames" / "dots"
    dots.mkdir()
    for number in (1, 2):
        write_image(dots / f"dots.{number}.png", np.zeros((1, 5, 3), np.uint8))
    with pytest.raises(DataError, match=r"dots.1.png: is 1x5; tvl1 needs frames of at least 2"):
        write_flow(dots, tmp_path / "out", "tvl1")
    with pytest.raises(DataError, match="two frames or more"):
        write_flow(tmp_path / "frames" / "v2", tmp_path / "flow")
