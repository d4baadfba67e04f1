"""The command fit, from a folder of images to its report."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from caffe_lite.cli import main
from caffe_lite.data.lists import write_lines
from caffe_lite.proto import load

CLASSES = ("rot gross", "größe", "z")


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Three classes of 20 images of 20 x 22 pixels that their colours tell apart."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for k, name in enumerate(CLASSES):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(20):
            pixels = rng.integers(0, 120, (20, 22, 3))
            pixels[..., k] += 130
            path = tmp_path / "photos" / name / f"im {i}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    return tmp_path


def fit(*options):
    return main(["fit", "photos", *options])


def test_from_a_folder_to_a_report(photos, capsys):
    (photos / "photos" / "z" / "bad.png").write_text("no image")
    assert fit("--epochs", "3", "--batch", "8", "--lr", "0.01", "--patience", "2") == 0
    out, err = capsys.readouterr()
    assert "3 classes, 60 images: 42 to train, 9 to validate, 9 to test" in out
    assert "net lenet, images of 20x22 pixels, batches of 8, rate 0.01" in out
    assert "left out: photos/z/bad.png: cannot be decoded" in err
    made = photos / "photos_fit"
    expected = (
        "best.caffemodel classes.csv classes.txt commands.sh confusion.png curves.png "
        "deploy.prototxt logs mean.binaryproto report.html solver.prototxt test.txt train.txt "
        "train_lmdb train_val.prototxt unreadable.txt val.txt val_lmdb"
    )
    assert set(os.listdir(made)) - {"mistakes.png"} == set(expected.split())
    events = [json.loads(line) for line in (made / "logs" / "train.jsonl").read_text().splitlines()]
    about, *_ = [event for event in events if event["event"] == "about"]  # the net, for the board
    assert 'name: "lenet"' in about["net"] and len(about["test_nets"]) == 1
    assert {"train", "test", "gradients", "histograms", "done"} <= {e["event"] for e in events}
    with open(made / "classes.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == sorted(CLASSES)
    right = sum(int(row["right"]) for row in rows)
    assert f"test accuracy {right / 9:.4f} ({right} of 9 images)" in out
    assert right >= 7  # colours are easy
    report = (made / "report.html").read_text()
    assert "größe" in report and report.count("data:image/png;base64,") >= 2
    assert "http" not in report.replace("http-equiv", "")

    # Its commands are true: the ones that read what is there give the same result.
    lines = [shlex.split(line) for line in (made / "commands.sh").read_text().splitlines()]
    steps = {line[1]: line[1:] for line in lines if line[:1] == ["caffe_lite"]}
    assert main([*steps["classify"], "--top", "1"]) == 0
    assert f"accuracy {right / 9:.4f} ({right} of 9 images)" in capsys.readouterr().out
    steps["deploy"][-1] = "again.prototxt"
    assert main(steps["deploy"]) == 0
    assert load.load_net("again.prototxt") == load.load_net(str(made / "deploy.prototxt"))
    mean = (made / "mean.binaryproto").read_bytes()
    steps["compute_image_mean"][-1] = "mean"
    assert main(steps["compute_image_mean"]) == 0
    assert (photos / "mean").read_bytes() == mean


def test_fine_tuning_a_net_of_the_users(photos, capsys):
    assert fit("--epochs", "1", "--out", "first") == 0
    line = ("--net", "first/deploy.prototxt", "--weights", "first/best.caffemodel")
    assert fit("--epochs", "1", "--out", "second", *line) == 0
    net = load.load_net("second/train_val.prototxt")
    last = [layer for layer in net.layer if layer.type == "InnerProduct"][-1]
    assert last.name == "score_new" and last.inner_product_param.num_output == 3
    assert not net.layer[0].transform_param.HasField("scale")  # of deploy nets none is known
    assert "rate 0.001" in capsys.readouterr().out
    line = ("--net", "first/train_val.prototxt", "--weights", "first/best.caffemodel")
    assert fit("--epochs", "1", "--out", "third", *line) == 0
    net = load.load_net("third/train_val.prototxt")
    assert net.layer[0].transform_param.scale == 1 / 128


def test_the_loss_over_a_rising_rate(photos, capsys):
    assert fit("--find-lr", "--epochs", "1", "--out", "rates") == 0
    out = capsys.readouterr().out
    assert "suggestion: --lr " in out and (photos / "rates" / "find_lr.csv").exists()
    assert not (photos / "rates" / "best.caffemodel").exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--split", "80,20"], 2, "--split 80,20: expected three numbers above 0, as 70,15,15"),
        (["--lr", "0"], 2, "--lr must be above 0 and finite, got 0.0"),
        (["--net", "lennet"], 2, 'no net of this name; did you mean "lenet"'),
        (["--out", "full"], 2, "full: exists already; remove it, or name another folder"),
        (["--out", "photos/z/im 1.png/x"], 1, "photos/z/im 1.png"),
    ],
)
def test_what_is_refused(options, code, message, photos, capsys):
    write_lines("full.txt", ["x"])
    os.mkdir("full")
    os.replace("full.txt", "full/full.txt")
    assert fit(*options) == code
    assert message in capsys.readouterr().err
    assert not (photos / "photos_fit").exists()


def test_nothing_is_left_of_a_folder_that_is_no_good(photos, capsys):
    for path in (photos / "photos" / "größe").iterdir():
        path.write_bytes(path.read_bytes()[:60])  # the size can be read, the pixels not
    assert fit() == 1
    assert 'the class "größe" has no images (20 files cannot be read)' in capsys.readouterr().err
    (photos / "photos" / "EMPTY").mkdir()
    assert fit() == 1
    assert 'the class "EMPTY" has no images' in capsys.readouterr().err
    assert main(["fit", "none"]) == 2
    assert "none: no such folder or list" in capsys.readouterr().err
    assert os.listdir(photos) == ["photos"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as POSIX does")
@pytest.mark.parametrize(
    ("kilobytes", "message", "left"),
    [
        (16, "photos_fit/train_lmdb: cannot be written", []),
        (1024, "photos_fit/best.caffemodel: cannot be written", ["logs", "train_lmdb"]),
    ],
)
def test_a_disk_that_takes_no_more(kilobytes, message, left, photos):
    """A limit on the size of files stands for a full disk: writes beyond it fail."""
    line = f'ulimit -f {kilobytes}; exec "$0" -m caffe_lite fit photos --epochs 1 --seed 2'
    run = subprocess.run(
        ["bash", "-c", line, sys.executable], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert re.fullmatch(f"caffe_lite fit: error: {message}[^\n]*\n", run.stderr), run.stderr
    made = os.listdir(photos / "photos_fit") if left else os.listdir(photos)
    assert set(left) <= set(made) and "photos_fit" not in made
    assert not [name for name in made if "partial" in name or "tmp" in name]
