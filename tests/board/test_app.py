"""The board's answers, over HTTP without a network."""

import io
import json
import os
import platform
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from caffe_lite.__main__ import main
from caffe_lite.board.runs import Runs
from tests.board.events import about, done, start, train, write

pytest.importorskip("starlette", reason="needs the extra web")
from starlette.testclient import TestClient  # noqa: E402

from caffe_lite.board.app import make_app  # noqa: E402

NET = """
name: "small"
layer { name: "x" type: "DummyData" top: "x" top: "t"
        dummy_data_param { shape { dim: 4 dim: 3 dim: 6 dim: 6 } shape { dim: 4 dim: 2 }
                           data_filler { type: "gaussian" } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
        convolution_param { num_output: 5 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "y"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 6 display: 2 test_iter: 1
test_interval: 3 snapshot: 6 snapshot_prefix: "snap"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two runs: one that `train` made, and one by hand that never ended."""
    path = tmp_path_factory.mktemp("runs")
    before = os.getcwd()
    os.chdir(path)
    try:
        (path / "net.prototxt").write_text(NET)
        (path / "solver.prototxt").write_text(SOLVER)
        command = ["train", "--solver", "solver.prototxt", "--log-dir", "made"]
        assert main([*command, "--log-histograms", "2"]) == 0
    finally:
        os.chdir(before)
    (path / "made" / "curve.png").write_bytes(b"\x89PNG")
    write(path / "by hand" / "train.jsonl", start(), train(0, 3.0), train(5, float("nan")))
    return path


@pytest.fixture
def client(folder):
    with TestClient(make_app(Runs(folder), "right")) as client:
        for _ in range(100):
            runs = client.get("/api/runs").json()["runs"]
            if len(runs) == 2 and all(run["curves"] for run in runs):
                break
            time.sleep(0.05)
        yield client


def test_runs_and_their_states(client, folder):
    answer = client.get("/api/runs").json()
    assert answer["root"] == str(folder)
    by_name = {run["name"]: run for run in answer["runs"]}
    made = by_name["made"]
    assert (made["state"], made["iteration"], made["max_iter"]) == ("done", 6, 6)
    assert {"train loss", "learning rate", "gradient norm", "test loss"} <= set(made["curves"])
    assert made["hasNet"] and made["snapshots"] == 1
    assert by_name["by hand"]["state"] == "killed" and not by_name["by hand"]["hasNet"]


def test_curves_and_csv(client):
    answer = client.get("/api/curves?run=made&run=by hand&run=none&points=100").json()
    assert set(answer) == {"made", "by hand"}
    iterations, seconds, values = answer["made"]["train loss"]
    assert iterations == [0, 2, 4, 6] and len(values) == 4 and seconds[0] >= 0
    assert answer["by hand"]["train loss"][2] == [3.0, None], "NaN is null in JSON"
    lines = client.get("/api/csv", params={"run": "made", "curve": "gradient norm"}).text.split()
    assert lines[0] == "iteration,seconds,value"
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "2", "4"]


def test_the_net_and_its_layers(client):
    net = client.get("/api/net?run=made&phase=TRAIN").json()
    assert [node["name"] for node in net["nodes"]] == ["x", "conv", "relu", "ip", "loss"]
    conv, relu = net["nodes"][1:3]
    assert conv["tops"] == {"conv": [4, 5, 4, 4]} and conv["parameters"] == 140
    assert relu["inPlace"] == ["conv"] and conv["inPlace"] == []
    layer = client.get("/api/layer?run=made&layer=conv").json()
    assert "num_output: 5" in layer["prototxt"] and "Convolution" in layer["page"]
    assert layer["filters"]["shape"] == [5, 3, 3, 3]
    assert layer["filters"]["snapshot"] == "snap_iter_6.caffemodel"
    assert [each["iteration"] for each in layer["histograms"]] == [0, 2, 4]
    low, high, counts = layer["histograms"][1]["blobs"]["conv[0]"]["diff"]
    assert low < 0 < high and sum(counts) == 135
    assert client.get("/api/layer?run=made&layer=ip").json()["filters"] is None


def test_the_log_and_pictures(client):
    answer = client.get("/api/log?run=made").json()
    assert "Optimization Done." in answer["text"] and answer["from"] == 0
    after = client.get(f"/api/log?run=made&from={answer['next']}").json()
    assert after["text"] == "" and after["from"] == answer["next"]
    assert client.get("/api/pictures?run=made").json() == ["curve.png"]
    assert client.get("/api/picture?run=made&name=curve.png").content == b"\x89PNG"


def test_an_image_through_the_net(client):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    right = {"X-Token": "right"}
    assert client.get("/api/activations?run=made&layer=conv").json() == []
    answer = client.post("/api/image?run=made", content=file.getvalue(), headers=right).json()
    assert answer["snapshot"] == "snap_iter_6.caffemodel"
    (output,) = answer["outputs"]
    assert output["name"] == "y" and sorted(k for k, _ in output["best"]) == [0, 1]
    (maps,) = client.get("/api/activations?run=made&layer=relu").json()
    assert maps["shape"] == [5, 4, 4] and min(maps["values"]) == 0 < max(maps["values"])
    for content, message in ((b"no image", "image"), (b"", "image")):
        bad = client.post("/api/image?run=made", content=content, headers=right)
        assert bad.status_code == 400 and message in bad.json()["error"]
    assert client.post("/api/image?run=made", content=b"x").status_code == 403
    by_hand = client.post("/api/image?run=by hand", content=b"x", headers=right)
    assert "has no snapshot yet" in by_hand.json()["error"]


@pytest.mark.parametrize(
    "path, status, message",
    [
        ("/api/net?run=none", 404, 'there is no run "none"'),
        ("/api/net?run=by hand", 400, "recorded no net"),
        ("/api/net?run=made&phase=OTHER", 400, "a phase is TRAIN or TEST"),
        ("/api/layer?run=made&layer=no", 404, 'has no layer "no"'),
        ("/api/csv?run=made&curve=no", 404, 'has no curve "no"'),
        ("/api/picture?run=made&name=../net.prototxt", 404, "has no picture"),
        ("/api/picture?run=made&name=train.log", 404, "has no picture"),
    ],
)
def test_errors_are_one_line(client, path, status, message):
    answer = client.get(path)
    assert answer.status_code == status
    assert message in answer.json()["error"] and "\n" not in answer.json()["error"]


def test_other_hosts_and_paths_are_refused(client):
    assert client.get("/api/runs", headers={"Host": "evil.example"}).status_code == 400
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/etc/passwd", "/api/other"):
        assert client.get(path).status_code == 404, path
    page = client.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert client.get("/static/vendor/uPlot.iife.min.js").status_code == 200


def test_asking_needs_the_token_and_a_run(client):
    for headers in ({}, {"X-Token": "wrong"}, {"X-Token": "\xe9".encode("latin-1")}):
        answer = client.post("/api/ask?run=made&what=stop", headers=headers)
        assert answer.status_code == 403 and "wrong token" in answer.json()["error"]
    right = {"X-Token": "right"}
    answer = client.post("/api/ask?run=made&what=stop", headers=right)
    assert answer.status_code == 400 and "is not running" in answer.json()["error"]
    assert client.post("/api/ask?run=made&what=remove", headers=right).status_code == 400
    assert client.get("/api/ask?run=made&what=stop").status_code == 405


def test_a_process_that_is_no_training_gets_no_signal(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        facts = about(process=other.pid, host=platform.node())
        write(tmp_path / "a" / "train.jsonl", facts, start(), train(1, 1.0))
        with TestClient(make_app(Runs(tmp_path), "right")) as client:
            time.sleep(0.2)
            answer = client.post("/api/ask?run=a&what=stop", headers={"X-Token": "right"})
        assert "is not a training of /x/solver.prototxt" in answer.json()["error"]
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs signals of Unix")
def test_a_run_that_is_going_on_takes_a_snapshot_and_stops(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    solver = SOLVER.replace("max_iter: 6", "max_iter: 1000000").replace("snapshot: 6", "")
    (tmp_path / "solver.prototxt").write_text(solver.replace("display: 2", "display: 200"))
    command = [sys.executable, "-m", "caffe_lite", "train", "--solver", "solver.prototxt"]
    job = subprocess.Popen(
        [*command, "--log-dir", "runs/live"], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    try:
        (tmp_path / "runs").mkdir(exist_ok=True)
        with TestClient(make_app(Runs(tmp_path / "runs"), "right")) as client:
            state = _wait(lambda: next(iter(client.get("/api/runs").json()["runs"]), {}), "running")
            first = state["iteration"]
            right = {"X-Token": "right"}
            answer = client.post("/api/ask?run=live&what=snapshot", headers=right)
            assert answer.is_success, answer.text
            assert client.post("/api/ask?run=live&what=stop", headers=right).is_success
            assert job.wait(60) == 130
            state = _wait(lambda: client.get("/api/runs").json()["runs"][0], "stopped")
        assert state["iteration"] >= first and state["snapshots"] >= 1
    finally:
        job.kill()
        job.wait()


def _wait(read, state):
    """The run's description once it is in `state` and, while it runs, has displayed something."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        run = read()
        if run.get("state") == state and (state != "running" or "train loss" in run["curves"]):
            return run
        time.sleep(0.1)
    raise AssertionError(f"not {state} after a minute: {json.dumps(run)}")


def test_the_command_without_a_folder(capsys, tmp_path):
    assert main(["board", str(tmp_path / "none")]) == 2
    assert "no such folder" in capsys.readouterr().err
    write(tmp_path / "train.jsonl", start(), done())
    assert main(["board", str(tmp_path), "--port", "99999"]) == 2
    assert "--port 99999" in capsys.readouterr().err
