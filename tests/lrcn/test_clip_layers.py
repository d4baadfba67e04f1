"""LRCN's clip layers under their own module name: contents, order, resuming and errors."""

import json
import re
import sys

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.data.frames import find_video, read_frame_folder, read_video_list
from caffe_lite.data.images import read_image, write_image
from caffe_lite.errors import CaffeError
from caffe_lite.nets.net import Net
from caffe_lite.proto import schema
from tests.backend.standin.cupy_module import installed
from tests.lrcn.clip_folders import write_clip_folders

HEIGHT, WIDTH, CROP, CLIPS, FRAMES = 12, 17, 9, 3, 4


@pytest.fixture
def videos(tmp_path, monkeypatch):
    """Five videos of noise, of 6 to 10 frames, in the folder that the test runs in."""
    rng = np.random.default_rng(0)
    lines = []
    for i in range(5):
        for kind, name in (
            ("frames", "v{}.{:04d}.png"),
            ("flow_images", "flow_image_v{}.{:04d}.png"),
        ):
            folder = tmp_path / kind / f"v{i}"
            folder.mkdir(parents=True)
            for t in range(6 + i):
                write_image(
                    folder / name.format(i, t + 2),
                    rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8),
                )
        lines.append(f"Class{i % 2}/v{i} {i + 10}\n")
    for split in ("train", "test"):
        (tmp_path / f"ucf101_split1_{split}Videos.txt").write_text("".join(lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def clip_net(layer="videoReadTrain_RGB", seed=1, ops=None, **settings):
    param = {
        "buffer": CLIPS,
        "frames": FRAMES,
        "height": HEIGHT,
        "width": WIDTH,
        "crop": CROP,
        "mean": [1, 2.5, 3],
        **settings,
    }
    net = schema.NetParameter()
    net.layer.add(name="data", type="Python", top=["data", "label", "clip_markers"])
    net.layer[0].python_param.module = "sequence_input_layer"
    net.layer[0].python_param.layer = layer
    net.layer[0].python_param.param_str = json.dumps(
        {key: value for key, value in param.items() if value is not None}
    )
    return Net(net, schema.TRAIN, ops or get_ops(), seed=seed)


def find_window(clip, frames, mean, flow):
    """The (start, top, left, mirrored) at which `frames` show `clip` (T, 3, h, w)."""
    for start in range(len(frames) - len(clip) + 1):
        for mirrored in (False, True):
            for top in range(HEIGHT - CROP + 1):
                for left in range(WIDTH - CROP + 1):
                    x = frames[start : start + len(clip), top : top + CROP, left : left + CROP]
                    x = x.transpose(0, 3, 1, 2).astype(np.float32)
                    if mirrored:
                        x = x[..., ::-1].copy()
                        if flow:
                            x[:, 2] = 255 - x[:, 2]
                    if np.array_equal(clip, x - mean):
                        return start, top, left, mirrored
    return None


@pytest.mark.parametrize("layer", ["videoReadTrain_RGB", "videoReadTest_flow"])
def test_every_clip_is_one_window_of_consecutive_frames(videos, layer):
    flow = layer.endswith("flow")
    root = videos / ("flow_images" if flow else "frames")
    stored = [
        np.stack([read_image(path) for path in sorted((root / f"v{i}").iterdir())])
        for i in range(5)
    ]
    mean = np.array([1, 2.5, 3], np.float32).reshape(3, 1, 1)
    found = []
    with clip_net(layer) as net:
        assert net.blobs["data"].shape == (FRAMES * CLIPS, 3, CROP, CROP)
        for batch in range(8):
            net.forward()
            data = net.blobs["data"].data.reshape(FRAMES, CLIPS, 3, CROP, CROP)
            labels = net.blobs["label"].data.reshape(FRAMES, CLIPS)
            for n in range(CLIPS):
                video = (batch * CLIPS + n) % 5
                assert set(labels[:, n]) == {video + 10}
                found.append((video, find_window(data[:, n], stored[video], mean, flow)))
            markers = net.blobs["clip_markers"].data.reshape(FRAMES, CLIPS)
            assert not markers[0].any() and (markers[1:] == 1).all()
    windows = [window for _, window in found]
    assert None not in windows
    starts, tops, lefts, mirrored = map(set, zip(*windows, strict=True))
    assert len(starts) > 3 and tops == set(range(4)) and len(lefts) > 5 and len(mirrored) == 2
    assert max(start for video, (start, *_) in found if video == 0) <= 2


def test_defaults_are_those_of_lrcn(videos, monkeypatch):
    none = dict.fromkeys(("height", "width", "crop", "mean", "frames"))
    with clip_net("videoReadTest_RGB", **{**none, "buffer": None, "frames": 6}) as net:
        assert net.blobs["data"].shape == (18, 3, 227, 227)
        settings = net.layers[0].settings
        assert (settings.height, settings.width) == (240, 320)
        assert settings.mean == (103.939, 116.779, 128.68)
    monkeypatch.setenv("LRCN_TRAIN_BUFFER", "2")
    monkeypatch.setenv("LRCN_TRAIN_FRAMES", "5")
    monkeypatch.setenv("LRCN_FLOW_FRAMES", str(videos / "frames"))
    with clip_net("videoReadTrain_flow", **{**none, "buffer": None}) as net:
        assert net.blobs["data"].shape == (10, 3, 227, 227)
        assert net.layers[0].settings.mean == (128, 128, 128)
        assert net.layers[0].settings.root == str(videos / "frames")


def test_frames_of_other_sizes_are_resized(videos):
    rng = np.random.default_rng(4)
    for path in (videos / "frames" / "v0").iterdir():
        write_image(path, rng.integers(0, 256, (31, 29, 3), np.uint8))
    with clip_net() as net:
        net.forward()
        data = net.blobs["data"].data.reshape(FRAMES, CLIPS, 3, CROP, CROP)
    frames = np.stack(
        [read_image(path, HEIGHT, WIDTH) for path in sorted((videos / "frames" / "v0").iterdir())]
    )
    mean = np.array([1, 2.5, 3], np.float32).reshape(3, 1, 1)
    assert find_window(data[:, 0], frames, mean, False)


def test_a_resumed_run_goes_on_with_the_same_clips(videos):
    with clip_net() as net:
        for _ in range(3):
            net.forward()
        state = net.get_state()
        expected = []
        for _ in range(3):
            net.forward()
            expected.append([blob.data.copy() for blob in net.blobs.values()])
    with clip_net(seed=99) as net:
        net.forward()
        net.set_state(state)
        for wanted in expected:
            net.forward()
            for blob, array in zip(net.blobs.values(), wanted, strict=True):
                assert np.array_equal(blob.data, array)


def test_the_users_own_module_comes_first(videos, monkeypatch):
    (videos / "sequence_input_layer.py").write_text(
        "import caffe\nclass videoReadTrain_RGB(caffe.Layer):\n"
        "    def setup(self, bottom, top): top[0].reshape(7)\n"
        "    def reshape(self, bottom, top): pass\n"
    )
    monkeypatch.syspath_prepend(videos)
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    with clip_net() as net:
        assert net.blobs["data"].shape == (7,)


def test_lrcns_own_module_of_python_2_gives_way(videos, monkeypatch, caplog):
    (videos / "sequence_input_layer.py").write_text("def f():\n  print 'Outputs:', 3\n")
    monkeypatch.syspath_prepend(videos)
    with clip_net() as net:
        assert net.blobs["data"].shape == (FRAMES * CLIPS, 3, CROP, CROP)
    assert "sequence_input_layer.py is written in Python 2" in caplog.text


def empty(videos):
    for path in (videos / "frames" / "v3").iterdir():
        path.unlink()


def remove_frame(videos):
    (videos / "frames" / "v2" / "v2.0005.png").unlink()


def remove_list(videos):
    (videos / "ucf101_split1_trainVideos.txt").unlink()


def shorten(videos):
    for t in (5, 6, 7):
        (videos / "frames" / "v0" / f"v0.{t:04d}.png").unlink()


def misname(videos):
    (videos / "frames" / "v1" / "other7.png").write_bytes(b"")


def list_a_stranger(videos):
    (videos / "ucf101_split1_trainVideos.txt").write_text("Class/v9 3\n")


def forget_a_label(videos):
    (videos / "ucf101_split1_trainVideos.txt").write_text("Class/v1 3\nClass/v2\n")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (empty, "frames/v3: the folder has no numbered frames"),
        (remove_frame, "v2.0005.png: frame 5 is missing"),
        (
            remove_list,
            "ucf101_split1_trainVideos.txt: no such file",
        ),
        (shorten, "v0: 3 frames are too few for a clip of 4"),
        (misname, "are not frames of one video"),
        (list_a_stranger, "frames/v9: no such folder of frames"),
        (forget_a_label, "trainVideos.txt:2: expected a video and its label"),
    ],
)
def test_bad_folders_and_lists_are_told_in_one_line(videos, harm, told):
    harm(videos)
    with pytest.raises(CaffeError, match=re.escape(told)) as info:
        clip_net()
    assert 'layer "data"' in str(info.value) and "\n" not in str(info.value)


def test_a_damaged_frame_is_told_by_the_forward_that_needs_it(videos):
    for path in (videos / "frames" / "v0").iterdir():
        path.write_bytes(b"not an image")
    with clip_net() as net, pytest.raises(CaffeError, match=r'"data".*frames/v0.*decoded') as info:
        net.forward()
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"buffer": 0}, '"buffer" must be a whole number'),
        ({"bufer": 3}, 'did you mean "buffer"'),
        ({"root": 7}, '"root" must be a string'),
        ({"mean": [1, 2]}, "one number per channel"),
        ({"crop": 99}, "crop 99 is larger"),
    ],
)
def test_settings_are_checked(videos, settings, told):
    with pytest.raises(CaffeError, match=told):
        clip_net(**settings)


def test_a_gpu_gets_the_same_clips(videos):
    expected = []
    with clip_net() as net:
        for _ in range(3):
            net.forward()
            expected.append([blob.data.copy() for blob in net.blobs.values()])
    with installed(), clip_net(ops=get_ops(0)) as net:
        for wanted in expected:
            net.forward()
            for blob, array in zip(net.blobs.values(), wanted, strict=True):
                assert np.array_equal(net.ops.to_host(blob.data), array)


def test_settings_may_be_a_python_dict(videos):
    param = schema.NetParameter()
    param.layer.add(name="d", type="Python", top=["data", "label", "clip_markers"])
    python = param.layer[0].python_param
    python.module, python.layer = "sequence_input_layer", "videoReadTest_RGB"
    python.param_str = "{'frames': 5, 'height': 12, 'width': 17, 'crop': 9, 'mirror': False}"
    with Net(param, schema.TEST, get_ops()) as net:
        assert net.blobs["data"].shape == (15, 3, 9, 9)
    python.param_str = "[1, 2]"
    with pytest.raises(CaffeError, match="param_str must be a dict"):
        Net(param, schema.TEST, get_ops())


def test_moving_digits_are_laid_out_like_ucf101(tmp_path):
    write_clip_folders(tmp_path, {"train": 2, "test": 1}, height=48, width=64)
    for split, count in (("train", 2), ("test", 1)):
        listed = read_video_list(str(tmp_path / f"ucf101_split1_{split}Videos.txt"))
        assert len(listed) == count
        for video, label in listed:
            assert 0 <= label < 10
            for root, first in (("frames", 1), ("flow_images", 2)):
                folder = read_frame_folder(find_video(str(tmp_path / root), video))
                assert (folder.count, folder.first) == (16, first)
                assert read_image(folder.path(15)).shape == (48, 64, 3)
