"""Videos to frames and lists, by the command line."""

import os
import sys
from time import monotonic, sleep
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from caffe_lite.cli import video
from caffe_lite.cli.commands import parse
from caffe_lite.data.images import read_image
from caffe_lite.errors import CaffeError, DataError, UsageError
from tests.lrcn.clip_folders import write_clip_folders


def run(*options):
    args = parse(["prepare", *map(str, options)])
    return args.run(args)


def shade(n):
    return np.full((8, 10, 3), 16 + 8 * n, np.uint8)


@pytest.fixture
def fake_av(monkeypatch):
    """A stand-in for PyAV: a "video" is a text file of frame times; frame n is one shade."""

    class FFmpegError(Exception):
        pass

    class Container:
        def __init__(self, path):
            with open(path) as file:
                lines = file.read().split()
            if lines == ["damaged"]:
                raise FFmpegError("Invalid data found when processing input")
            self.times = [None if word == "?" else float(word) for word in lines if word != "-"]
            stream = SimpleNamespace(average_rate=10, thread_type="")
            self.streams = SimpleNamespace(video=[] if "-" in lines else [stream])

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def decode(self, stream):
            for n, time in enumerate(self.times):
                yield SimpleNamespace(time=time, to_ndarray=lambda format, n=n: shade(n))

    module = ModuleType("av")
    module.open, module.error = Container, SimpleNamespace(FFmpegError=FFmpegError)
    monkeypatch.setitem(sys.modules, "av", module)


def shades(folder):
    return [round((read_image(path).mean() - 16) / 8) for path in sorted(folder.iterdir())]


def test_frames_are_numbered_from_one(tmp_path, fake_av, capsys):
    (tmp_path / "in" / "Class").mkdir(parents=True)
    (tmp_path / "in" / "Class" / "v_a.avi").write_text("5.0 5.1 5.2")
    (tmp_path / "in" / "v_b.mp4").write_text("? ? ? ?")
    (tmp_path / "in" / "notes.txt").write_text("")
    killed = tmp_path / "frames" / ".v_a.partial"
    killed.mkdir(parents=True)
    (killed / "v_a.0009.jpg").write_text("")
    run("videos", tmp_path / "in", "--out", tmp_path / "frames", "--jobs", 1)
    assert sorted(p.name for p in (tmp_path / "frames" / "v_a").iterdir()) == [
        f"v_a.{n:04d}.jpg" for n in (1, 2, 3)
    ]
    assert shades(tmp_path / "frames" / "v_b") == [0, 1, 2, 3]
    assert not killed.exists()
    assert "2 made, 0 there already" in capsys.readouterr().out
    run("videos", tmp_path / "in", "--out", tmp_path / "frames", "--jobs", 1)
    assert "0 made, 2 there already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        (10, [0, 1, 2, 3, 4, 5]),
        (5, [0, 2, 4, 5]),
        (20, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]),
        (4, [0, 2, 5]),
    ],
)
def test_frames_at_another_rate_are_those_that_show_then(tmp_path, fake_av, fps, expected):
    (tmp_path / "v.avi").write_text("0 0.1 0.2 0.3 0.4 0.5")
    run("videos", tmp_path / "v.avi", "--out", tmp_path, "--fps", fps, "--size", "16x30")
    assert shades(tmp_path / "v") == expected
    assert read_image(tmp_path / "v" / "v.0001.jpg").shape == (16, 30, 3)


@pytest.mark.parametrize("times", ["0 0.1 1e9 1e9", "0 0.1 0.2 nan", "0 inf", "0 0.5 60.7"])
def test_damaged_time_stamps_do_not_write_without_end(tmp_path, fake_av, times):
    (tmp_path / "v.avi").write_text(times)
    with pytest.raises(DataError, match="v.avi: frame . is .* s after the one before"):
        run("videos", tmp_path / "v.avi", "--out", tmp_path / "out", "--fps", 10)
    assert list((tmp_path / "out").iterdir()) == []
    run("videos", tmp_path / "v.avi", "--out", tmp_path / "out")
    assert len(shades(tmp_path / "out" / "v")) == len(times.split())


def test_time_stamps_that_go_back_write_no_frame_again(tmp_path, fake_av):
    (tmp_path / "v.avi").write_text("0 0.1 0.3 0.05 0.1 0.4 0.5")
    run("videos", tmp_path / "v.avi", "--out", tmp_path, "--fps", 10)
    assert shades(tmp_path / "v") == [0, 1, 1, 4, 5, 6]


def test_a_bad_video_does_not_stop_the_others(tmp_path, fake_av, capsys):
    for name, content in (("a", "damaged"), ("b", "0"), ("c", "-"), ("d", "")):
        (tmp_path / f"{name}.avi").write_text(content)
    with pytest.raises(DataError, match="3 of 4 failed; the first: .*a.avi: cannot be decoded"):
        run("videos", tmp_path, "--out", tmp_path / "frames", "--jobs", 1)
    assert [path.name for path in (tmp_path / "frames").iterdir()] == ["b"]
    told = capsys.readouterr().err
    assert "c.avi: the file has no video in it" in told and "holds no frames" in told


@pytest.mark.parametrize("fps", ["0", "-3", "nan", "1e9", "fast"])
def test_a_rate_that_is_none_is_refused(tmp_path, capsys, fps):
    with pytest.raises(SystemExit) as stop:
        run("videos", tmp_path / "v.avi", "--out", tmp_path / "out", f"--fps={fps}")
    assert stop.value.code == 2
    assert f"a rate above 0, at most 1000, expected, got {fps}" in capsys.readouterr().err


def test_what_is_missing_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "v.avi").write_text("")
    with pytest.raises(CaffeError, match=r'pip install "caffe_lite\[video\]"'):
        run("videos", tmp_path / "v.avi", "--out", tmp_path / "out")
    with pytest.raises(DataError, match="no videos"):
        run("videos", tmp_path / "out", "--out", tmp_path / "out")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "v.mp4").write_text("")
    with pytest.raises(DataError, match="has the same name"):
        run("videos", tmp_path, "--out", tmp_path / "out")
    with pytest.raises(DataError, match="no folders of frames"):
        run("flow", tmp_path / "out", "--out", tmp_path / "flow")


def test_a_real_video(tmp_path):
    av = pytest.importorskip("av", reason="PyAV is not installed (the extra `video`)")
    with av.open(str(tmp_path / "v.avi"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for n in range(7):
            image = np.full((16, 32, 3), 20 + 30 * n, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    run("videos", tmp_path / "v.avi", "--out", tmp_path / "frames")
    frames = [read_image(path) for path in sorted((tmp_path / "frames" / "v").iterdir())]
    assert [frame.shape for frame in frames] == [(16, 32, 3)] * 7
    assert np.allclose([frame.mean() for frame in frames], [20 + 30 * n for n in range(7)], atol=6)
    (tmp_path / "bad.avi").write_bytes(b"RIFF and nothing else" * 9)
    with pytest.raises(DataError, match="bad.avi: cannot be decoded"):
        run("videos", tmp_path / "bad.avi", "--out", tmp_path / "frames")


def test_flow_of_all_videos_in_several_processes(tmp_path, capsys):
    write_clip_folders(tmp_path, {"train": 2}, height=32, width=40)
    run("flow", tmp_path / "frames", "--out", tmp_path / "found", "--jobs", 2)
    assert "2 made, 0 there already, 0 failed" in capsys.readouterr().out
    made = sorted((tmp_path / "found").rglob("*.jpg"))
    assert len(made) == 30 and made[0].name.startswith("flow_image_v_")


def test_work_that_is_broken_off_ends_at_once():
    outcomes = video._outcomes(sleep, [(0,), (60,), (60,), (60,)], 2)
    assert next(outcomes) is None
    begin = monotonic()
    outcomes.close()
    assert monotonic() - begin < 30


def test_a_worker_that_is_killed_is_told():
    with pytest.raises(CaffeError, match="was killed; if memory ran out, give fewer --jobs"):
        list(video._outcomes(os._exit, [(1,), (1,)], 2))


def test_lists_from_folders_and_from_ucf101s_own_lists(tmp_path):
    for name in ("Zebra/v1.avi", "Zebra/v2.avi", "Ape/v3.mp4"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "in" / "Ape" / "v4").mkdir()
    run("lists", tmp_path / "in", "--out", tmp_path / "a.txt")
    assert sorted((tmp_path / "a.txt").read_text().splitlines()) == [
        "Ape/v3 0",
        "Ape/v4 0",
        "Zebra/v1 1",
        "Zebra/v2 1",
    ]
    (tmp_path / "official.txt").write_text("Zebra/v2.avi 1\nApe/v3.avi 2\n")
    (tmp_path / "classes.txt").write_text("1 Zebra\n2 Ape\n")
    run(
        "lists",
        tmp_path / "official.txt",
        "--classes",
        tmp_path / "classes.txt",
        "--out",
        tmp_path / "b.txt",
    )
    assert sorted((tmp_path / "b.txt").read_text().splitlines()) == ["Ape/v3 1", "Zebra/v2 0"]


def test_names_keep_bytes_that_are_not_utf8(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"Run/v_\xff.avi 1\r\n")
    run("lists", tmp_path / "list.txt", "--out", tmp_path / "videos.txt")
    assert (tmp_path / "videos.txt").read_bytes() == b"Run/v_\xff 0\n"


def test_the_order_of_a_list_is_random_and_repeatable(tmp_path):
    (tmp_path / "all.txt").write_text("".join(f"C{i % 3}/v{i}\n" for i in range(30)))
    orders = []
    for seed in (1, 1, 2):
        run("lists", tmp_path / "all.txt", "--out", tmp_path / "out.txt", "--seed", seed)
        orders.append((tmp_path / "out.txt").read_text().split())
    assert orders[0] == orders[1] != orders[2]
    assert orders[0][::2] != [f"C{i % 3}/v{i}" for i in range(30)]


def test_a_list_of_frames_for_image_data(tmp_path):
    write_clip_folders(tmp_path, {"train": 2}, height=24, width=24)
    source = tmp_path / "ucf101_split1_trainVideos.txt"
    run(
        "lists",
        source,
        "--out",
        tmp_path / "videos.txt",
        "--frames",
        tmp_path / "frames",
        "--frame_list",
        tmp_path / "frames.txt",
    )
    lines = (tmp_path / "frames.txt").read_text().splitlines()
    assert len(lines) == 32
    for line in lines:
        assert (tmp_path / "frames" / line.rpartition(" ")[0]).is_file()


@pytest.mark.parametrize(
    ("listed", "classes", "told"),
    [
        ("v1.avi 1", None, "has no class"),
        ("A/v1.avi\nA/v2.avi\nA/v1 1", None, r'list.txt:3: "A/v1" is listed already, in line 1'),
        ("Zebra/v1.avi", "1 Ape\n2 Zebu", 'class "Zebra", which .*did you mean "Zebu"'),
        ("Zebra/v1.avi", "1 Ape\n3 Zebra", "classes.txt: the numbers of 2 classes must be 1 to 2"),
    ],
)
def test_bad_lists_are_told(tmp_path, listed, classes, told):
    (tmp_path / "list.txt").write_text(listed)
    options = []
    if classes:
        (tmp_path / "classes.txt").write_text(classes)
        options = ["--classes", tmp_path / "classes.txt"]
    with pytest.raises(DataError, match=told):
        run("lists", tmp_path / "list.txt", "--out", tmp_path / "out.txt", *options)
    with pytest.raises(UsageError, match="together"):
        run("lists", tmp_path / "list.txt", "--out", tmp_path / "out.txt", "--frames", tmp_path)
