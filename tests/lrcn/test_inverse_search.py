"""Optical flow in C: known motions of textures, objects, odd sizes; the choice of a method."""

import importlib.util
import logging
import sys
from pathlib import Path

import numpy as np
import pytest

from caffe_lite.backend import native
from caffe_lite.cli import main
from caffe_lite.data.images import read_image, write_image
from caffe_lite.data.optical_flow import optical_flow
from caffe_lite.errors import BackendError, CaffeError
from caffe_lite.lrcn.prepare import flow_methods
from caffe_lite.lrcn.prepare.flow import write_flow
from caffe_lite.lrcn.prepare.inverse_search import InverseSearch
from tests.lrcn.test_optical_flow import texture, write_frames

needs_c = pytest.mark.skipif(native.load("float32") is None, reason="no native code here")
SCENES = Path(__file__).resolve().parents[2] / "benchmarks" / "lrcn" / "flow_scenes.py"


@pytest.fixture(scope="module")
def scenes():
    spec = importlib.util.spec_from_file_location("lrcn_flow_scenes", SCENES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@needs_c
@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, -2), (-6, 5), (0, 1)])
def test_a_moved_texture(dx, dy):
    scene = texture(90, 110)
    first, second = scene[10:74, 10:90], scene[10 - dy : 74 - dy, 10 - dx : 90 - dx]
    flow = InverseSearch()(first, second)
    assert flow.shape == (64, 80, 2) and flow.dtype == np.float32
    assert np.abs(flow[10:-10, 10:-10] - (dx, dy)).max() < 0.1


@needs_c
def test_fractions_of_a_pixel():
    scene = texture(48, 61)
    flow = InverseSearch()(scene[:, :-1], (scene[:, :-1] + scene[:, 1:]) / 2)
    assert abs(flow[5:-5, 5:-5, 0].mean() + 0.5) < 0.03
    assert abs(flow[5:-5, 5:-5, 1].mean()) < 0.03


# What OpenCV's DIS of the preset "medium" scores on the same pairs; benchmarks/lrcn/flow.py.
@needs_c
@pytest.mark.parametrize(
    ("name", "opencv"), [("camera", 0.102), ("objects", 0.543), ("waves", 0.187)]
)
def test_errors_are_those_of_opencv_or_below(scenes, name, opencv):
    first, second, true = scenes.SCENES[name](np.random.default_rng(0))
    found = InverseSearch()(first, second)
    assert scenes.endpoint_error(found, true) < 1.1 * opencv
    assert scenes.endpoint_error(np.zeros_like(true), true) > 2  # the scene moves


@needs_c
def test_the_scenes_move_as_their_flow_says(scenes):
    for make in scenes.SCENES.values():
        first, second, true = make(np.random.default_rng(3))
        y, x = np.mgrid[: first.shape[0], : first.shape[1]]
        to_x, to_y = np.rint(x + true[..., 0]).astype(int), np.rint(y + true[..., 1]).astype(int)
        inside = (to_x >= 0) & (to_x < 320) & (to_y >= 0) & (to_y < 240)
        there = second[to_y[inside], to_x[inside]].astype(float)
        still = np.median(np.abs(second[inside].astype(float) - first[inside]))
        assert np.median(np.abs(there - first[inside])) < 0.75 * still


@needs_c
@pytest.mark.parametrize("size", [(8, 8), (8, 37), (33, 9), (97, 131), (16, 16), (15, 200)])
def test_odd_sizes_and_the_memory_that_is_kept(size):
    search, height, width = InverseSearch(), *size
    scene = texture(height + 8, width + 8, seed=5)
    first, second = scene[4:-4, 4:-4], scene[4:-4, 3:-5]
    found = search(first, second)
    assert found.shape == (height, width, 2) and np.isfinite(found).all()
    if size != (8, 8):  # a single patch
        assert abs(np.median(found[..., 0]) - 1) < 0.2 and abs(np.median(found[..., 1])) < 0.2
    other = texture(64, 80)
    search(other, other)
    np.testing.assert_array_equal(search(first, second), found)


@needs_c
def test_frames_without_texture_and_in_colour():
    search = InverseSearch()
    assert (search(np.zeros((20, 30)), np.full((20, 30), 255.0)) == 0).all()
    scene = texture(50, 70)
    colour = np.stack([scene, 0.5 * scene, 0.2 * scene], axis=-1).astype(np.uint8)
    grey = colour @ np.array([0.114, 0.587, 0.299])
    moved, moved_grey = np.roll(colour, 2, axis=1), np.roll(grey, 2, axis=1)
    np.testing.assert_allclose(search(colour, moved), search(grey, moved_grey), atol=2e-2)


@needs_c
def test_it_agrees_with_tvl1_on_moving_objects(scenes):
    first, second, true = scenes.objects(np.random.default_rng(1))
    inner = np.s_[60:80, 70:90]  # inside the first disc
    for compute in (InverseSearch(), optical_flow):
        assert np.abs(np.median(compute(first, second)[inner], axis=(0, 1)) - (6, 3)).max() < 0.1
    assert (true[inner] == (6, 3)).all()


@needs_c
@pytest.mark.parametrize("shapes", [((20, 20), (20, 21)), ((7, 30), (7, 30))])
def test_shapes_that_do_not_work_are_refused(shapes):
    with pytest.raises(ValueError, match="frames must have one size of at least 8"):
        InverseSearch()(*map(np.zeros, shapes))


def test_the_best_method_that_is_installed_is_taken(monkeypatch):
    monkeypatch.setattr(flow_methods, "find_spec", lambda name: None)
    monkeypatch.setattr(native, "load", lambda dtype: object())
    assert flow_methods.best_method() == "dis"
    monkeypatch.setattr(flow_methods, "find_spec", lambda name: name)
    assert flow_methods.best_method() == "opencv"
    monkeypatch.setattr(flow_methods, "find_spec", lambda name: None)
    monkeypatch.setattr(native, "load", lambda dtype: None)
    assert flow_methods.best_method() == "tvl1"
    with pytest.raises(BackendError, match="dis needs the native code: install a C compiler"):
        InverseSearch()
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(CaffeError, match=r'opencv needs OpenCV.*pip install "caffe_lite\[flow\]"'):
        flow_methods.METHODS["opencv"].make()


def test_the_command_says_how_and_how_long(tmp_path, capsys):
    for name in ("v1", "v2"):
        write_frames(tmp_path / "frames" / name, count=3)
    folder, out = str(tmp_path / "frames"), str(tmp_path / "flow")
    assert main(["video", "flow", folder, "--out", out, "--method", "tvl1", "--jobs", "1"]) == 0
    told = capsys.readouterr().err
    assert "Optical flow by TV-L1 in NumPy: 4 pairs of frames in 2 videos, about " in told
    logging.getLogger("caffe_lite").handlers.clear()
    assert len(list((tmp_path / "flow" / "v2").iterdir())) == 2


def test_videos_of_one_frame_or_other_sizes_fail_in_one_line(tmp_path, capsys):
    write_frames(tmp_path / "frames" / "v1", count=1)
    write_frames(tmp_path / "frames" / "v2", count=2)
    write_image(tmp_path / "frames" / "v2" / "v2.0003.png", np.zeros((9, 40, 3), np.uint8))
    (tmp_path / "frames" / "v3").mkdir()
    write_frames(tmp_path / "frames" / "v4", count=2)
    out = tmp_path / "flow"
    arguments = ["video", "flow", str(tmp_path / "frames"), "--out", str(out), "--jobs", "1"]
    assert main([*arguments, "--method", "tvl1"]) == 1
    lines = capsys.readouterr().err.splitlines()
    logging.getLogger("caffe_lite").handlers.clear()
    failed = [line for line in lines if line.startswith("E")]
    assert len(failed) == 3
    assert "flow needs two frames or more, there is 1" in failed[0]
    assert "v2.0003.png: is 9x40, the frame before 40x50" in failed[1]
    assert "the folder has no numbered frames" in failed[2]
    assert [path.name for path in out.iterdir()] == ["v4"]


@needs_c
def test_flow_images_by_the_method_in_c(tmp_path):
    write_frames(tmp_path / "frames" / "v1", 2, size=(100, 120))
    write_flow(tmp_path / "frames" / "v1", tmp_path / "flow", "dis")
    image = read_image(tmp_path / "flow" / "v1" / "flow_image_v1.0002.jpg")
    y, x = (np.median(image[..., 1:], axis=(0, 1)) - 128) / 16
    assert abs(x - 2) < 0.1 and abs(y + 1) < 0.1
