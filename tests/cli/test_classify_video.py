"""`classify-video` from folders of frames to what it prints."""

import json

import numpy as np
import pytest

from caffe_lite.cli import main
from caffe_lite.data.images import write_image
from caffe_lite.lrcn.activity import VideoClassifier, fuse
from caffe_lite.lrcn.activity.frame_net import FrameNet
from caffe_lite.weights import write_caffemodel
from tests.lrcn.activity.test_classifier import SINGLE, clip_net, make, video

RGB_OPTIONS = ["--mean", "100,120,90", "--scale", "0.02"]
NET = ["--net", "deploy.prototxt", "--weights", "rgb.caffemodel"]
FLOW = ["--flow", "flow_images", "--flow-weights", "flow.caffemodel", "--flow-mean", "128"]
NAMES = ["Archery", "Diving", "Fencing", "Golf", "Juggling", "Punch", "Skiing"]
LENGTHS = {"v_one": 9, "v_two": 3, "v_three": 4}


def frames_of(name, kind):
    return video(LENGTHS[name], seed=len(name) + (100 if kind == "flow_images" else 0))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Nets, class names, and three videos as frames and flow images, in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deploy.prototxt").write_text(clip_net(10))
    write_caffemodel(make(clip_net(10), seed=1), "rgb.caffemodel")
    write_caffemodel(make(clip_net(10), seed=2), "flow.caffemodel")
    (tmp_path / "classes.txt").write_text("".join(f"{i} {n}\n" for i, n in enumerate(NAMES, 1)))
    for kind in ("frames", "flow_images"):
        for name in LENGTHS:
            path = tmp_path / kind / name
            path.mkdir(parents=True)
            for i, frame in enumerate(frames_of(name, kind)):
                write_image(path / f"frame.{i + 1:04}.png", frame)
    return tmp_path


def run(capsys, *arguments):
    code = main(["classify-video", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def expected(name, kind, seed, **options):
    mean = 128 if kind == "flow_images" else (100, 120, 90)
    classifier = VideoClassifier(make(clip_net(10), seed), mean=mean, scale=0.02, **options)
    return classifier.classify(frames_of(name, kind))


def probabilities(result):
    classes = {each["label"]: each for each in result["classes"]}
    assert [each["class"] for _, each in sorted(classes.items())] == NAMES
    ranked = [each["probability"] for each in result["classes"]]
    assert ranked == sorted(ranked, reverse=True)
    return [classes[i]["probability"] for i in range(7)]


def test_a_video_is_classified(folder, capsys):
    code, out, err = run(
        capsys, "frames/v_one", *NET, *RGB_OPTIONS, "--classes", "classes.txt", "--json"
    )
    assert code == 0, err
    probs = expected("v_one", "frames", 1)
    (result,) = json.loads(out)
    assert probabilities(result) == pytest.approx(probs.tolist(), rel=1e-4)
    code, out, _ = run(
        capsys, "frames/v_one", *NET, *RGB_OPTIONS, "--classes", "classes.txt", "--top", "2"
    )
    best = np.argsort(-probs)[:2]
    named = ", ".join(f"{NAMES[i]} {probs[i]:.4f}" for i in best)
    assert out == f"frames/v_one: {named}\n"


@pytest.mark.parametrize("weight, value", [("1/2", 0.5), ("1/3", 1 / 3), ("0.9", 0.9)])
def test_rgb_and_flow_are_fused(folder, capsys, weight, value):
    arguments = [
        *NET,
        *RGB_OPTIONS,
        *FLOW,
        "--rgb-weight",
        weight,
        "--classes",
        "classes.txt",
        "--json",
    ]
    code, out, err = run(capsys, "frames/v_one", "frames/v_two", *arguments)
    assert code == 0, err
    for name, result in zip(("v_one", "v_two"), json.loads(out), strict=True):
        probs = fuse(
            expected(name, "frames", 1), expected(name, "flow_images", 2, flow=True), value
        )
        assert probabilities(result) == pytest.approx(probs.tolist(), rel=1e-4)
    alone = run(
        capsys, "frames/v_one", *[a.replace("flow_images", "flow_images/v_one") for a in arguments]
    )[1]
    assert json.loads(alone) == json.loads(out)[:1]


def test_flow_alone_one_crop_and_strides(folder, capsys):
    code, out, err = run(
        capsys,
        "flow_images/v_one",
        *NET,
        "--frames",
        "flow",
        "--crops",
        "10",
        "--mean",
        "128",
        "--scale",
        "0.02",
        "--stride",
        "3",
        "--json",
    )
    assert code == 0, err
    probs = expected("v_one", "flow_images", 1, flow=True, stride=3)
    found = sorted(json.loads(out)[0]["classes"], key=lambda each: each["label"])
    assert [each["probability"] for each in found] == pytest.approx(probs.tolist(), rel=1e-4)
    assert found[3]["class"] == "3"
    code, out, _ = run(capsys, "frames/v_one", *NET, *RGB_OPTIONS, "--crops", "1", "--json")
    probs = expected("v_one", "frames", 1, crops=1)
    assert json.loads(out)[0]["classes"][0]["probability"] == pytest.approx(probs.max(), rel=1e-4)


def test_features_are_written_and_read_again(folder, capsys, monkeypatch):
    arguments = ["frames/v_one", *NET, *RGB_OPTIONS, *FLOW, "--json", "--features", "kept"]
    code, first, err = run(capsys, *arguments)
    assert code == 0, err
    written = sorted((folder / "kept").iterdir())
    assert len(written) == 2 and all(path.name.startswith("v_one.") for path in written)

    def compute(self, crops):
        raise AssertionError("a frame is computed again")

    monkeypatch.setattr(FrameNet, "compute", compute)
    assert run(capsys, *arguments)[:2] == (0, first)
    plain = [each for each in arguments if each not in ("--features", "kept")]
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert run(capsys, *plain)[1] == first
    other = [*arguments, "--scale", "0.03"]
    assert run(capsys, *other)[0] == 0
    assert len(list((folder / "kept").iterdir())) == 4


def test_accuracy_over_a_list(folder, capsys):
    labels = {name: int(expected(name, "frames", 1).argmax()) for name in LENGTHS}
    labels["v_two"] = (labels["v_two"] + 1) % 7
    (folder / "list.txt").write_text("".join(f"Class/{n}.avi {k}\n" for n, k in labels.items()))
    code, out, err = run(capsys, "frames", "--list", "list.txt", *NET, *RGB_OPTIONS)
    assert code == 0, err
    assert out.splitlines()[-1] == "accuracy 0.6667 (2 of 3 videos)"
    code, out, _ = run(capsys, "frames", "--list", "list.txt", *NET, *RGB_OPTIONS, "--json")
    assert json.loads(out)["accuracy"] == pytest.approx(2 / 3)
    assert [video["label"] for video in json.loads(out)["videos"]] == list(labels.values())


def test_the_mean_over_splits_with_their_own_weights(folder, capsys):
    labels = {seed: {name: int(expected(name, "frames", seed).argmax()) for name in LENGTHS}
              for seed in (1, 2)}  # fmt: skip
    labels[2]["v_two"] = (labels[2]["v_two"] + 1) % 7
    for seed, its in labels.items():
        lines = [f"Class/{name}.avi {label}\n" for name, label in its.items()][: 4 - seed]
        (folder / f"split{seed}.txt").write_text("".join(lines))
    arguments = ["frames", "--net", "deploy.prototxt", *RGB_OPTIONS, "--list", "split1.txt"]
    arguments += ["--weights", "rgb.caffemodel", "--list", "split2.txt"]
    code, out, err = run(capsys, *arguments, "--weights", "flow.caffemodel")
    assert code == 0, err
    assert out.splitlines()[-3:] == [
        "split1.txt: accuracy 1.0000 (3 of 3 videos)",
        "split2.txt: accuracy 0.5000 (1 of 2 videos)",
        "mean accuracy 0.7500 over 2 lists",
    ]
    found = json.loads(run(capsys, *arguments, "--weights", "flow.caffemodel", "--json")[1])
    assert found["accuracy"] == 0.75
    assert [(each["list"], len(each["videos"])) for each in found["lists"]] == [
        ("split1.txt", 3),
        ("split2.txt", 2),
    ]
    assert run(capsys, *arguments)[0] == 0  # one file of weights for both
    more = [*arguments, "--weights", "flow.caffemodel", "--weights", "rgb.caffemodel"]
    code, _, err = run(capsys, *more)
    assert code == 2 and "--weights is given 3 times for 2 --list; give it once, or once" in err


def test_a_net_of_single_frames(folder, capsys):
    (folder / "single.prototxt").write_text(SINGLE)
    write_caffemodel(make(SINGLE), folder / "single.caffemodel")
    code, out, err = run(
        capsys,
        "frames/v_two",
        "--net",
        "single.prototxt",
        "--weights",
        "single.caffemodel",
        "--scale",
        "0.01",
        "--resize",
        "7,8",
        "--json",
    )
    assert code == 0, err
    assert sum(each["probability"] for each in json.loads(out)[0]["classes"]) == pytest.approx(1)


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (["empty"], 1, "empty: the folder has no numbered frames"),
        (["gone"], 1, "gone: the folder of frames cannot be read: No such file"),
        (["gap"], 1, "frame.0003.png: frame 3 is missing, but the folder continues to 4"),
        (["classes.txt"], 2, "classes.txt is a file; a folder of its frames is expected"),
        (["broken"], 1, "frame.0001.png: cannot be decoded"),
        (
            ["frames/v_one", "--weights", "single.caffemodel"],
            1,
            'single.caffemodel: layer "out" (InnerProduct) blob 0 is 7 x 6 there and 7 x 5 here',
        ),
        (["frames/v_one", "--classes", "few.txt"], 1, "few.txt: 2 class names, but the net"),
        (["frames/v_one", "--flow", "flow_images"], 2, "--flow and --flow-weights go together"),
        (
            ["frames/v_one", *FLOW, "--rgb-weight", "2"],
            2,
            "--rgb-weight 2: expected a number from 0",
        ),
        (["frames/v_one", *FLOW, "--rgb-weight", "1/0"], 2, "--rgb-weight 1/0: expected a number"),
        (
            ["frames/v_one", "frames/v_two", *FLOW, "--flow", "frames/v_one"],
            1,
            "frames/v_one/v_one: the folder of frames cannot be read",
        ),
        (["frames/v_one", "--stride", "0"], 2, "--stride must be at least 1"),
        (["frames/v_one", "frames/v_two", "--list", "few.txt"], 2, "--list takes one folder"),
        (
            ["frames", "--list", "few.txt"],
            1,
            'few.txt:1: expected a video and its label, got "one"',
        ),
        (["sizes"], 1, "frame.0002.png: is 9x9, other frames of the video are 8x9; give all"),
        (["frames/v_one", "--flow-mean", "1"], 2, "--flow-mean has no effect without --flow"),
        (["frames/v_one", "--flow-net", "a"], 2, "--flow-net has no effect without --flow"),
        (["frames/v_one", "--rgb-weight", "1"], 2, "--rgb-weight has no effect without --flow"),
        (["frames/v_one", "--json", "--top", "2"], 2, "--top has no effect with --json"),
        (["frames/v_one", "--resize", "4,9"], 1, "images of 4x9 pixels are smaller"),
        (
            ["frames/v_one", "frames/v_one/"],
            2,
            "frames/v_one/ is given twice; give each video once",
        ),
        (["frames", "--list", "again.txt"], 1, "again.txt: frames/v_one is listed 2 times"),
        (
            ["frames", "--list", "label.txt"],
            1,
            "label.txt: frames/v_two has label 7, but the",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line(folder, capsys, arguments, code, message):
    for name in ("empty", "broken", "gap", "sizes"):
        (folder / name).mkdir()
    (folder / "broken" / "frame.0001.png").write_bytes(b"no image")
    for i in (1, 2, 4):
        write_image(folder / "gap" / f"frame.{i:04}.png", np.zeros((8, 9, 3), np.uint8))
    for i, height in ((1, 8), (2, 9)):
        write_image(folder / "sizes" / f"frame.{i:04}.png", np.zeros((height, 9, 3), np.uint8))
    (folder / "few.txt").write_text("one\ntwo\n")
    (folder / "again.txt").write_text("A/v_one 0\nA/v_two 1\nB/v_one 1\n")
    (folder / "label.txt").write_text("A/v_one 0\nA/v_two 7\n")
    write_caffemodel(make(SINGLE), folder / "single.caffemodel")
    found, _, err = run(capsys, *NET, *arguments)
    told = [line for line in err.splitlines() if "upgraded on the fly" not in line]
    assert (found, len(told)) == (code, 1), err
    assert message in told[0]
    assert told[0].startswith("caffe_lite classify-video: ")


def test_classify_is_classify_video_for_a_net_over_time(folder, capsys):
    assert main(["classify-video", "frames/v_one", *NET, *RGB_OPTIONS]) == 0
    expected = capsys.readouterr().out
    assert main(["classify", "frames/v_one", *NET, *RGB_OPTIONS]) == 0
    assert capsys.readouterr().out == expected
    assert (
        main(["-net", "deploy.prototxt", "classify", "frames/v_one", *NET[2:], *RGB_OPTIONS]) == 0
    )
    assert capsys.readouterr().out == expected
