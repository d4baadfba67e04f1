"""The page as a file, from the command line and in a browser."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from caffe_lite.__main__ import main
from tests.explain.test_recording import NET

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=3000"
)
SHAPES = ["--shape", "data=2,1,5,4", "--shape", "label=2"]


@pytest.fixture(autouse=True)
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(NET)


def content(path):
    page = path.read_text(encoding="utf-8")
    found = re.search(r'<script id="content" type="application/json">(.*?)</script>', page, re.S)
    return json.loads(found[1])


def test_a_net_becomes_a_page(tmp_path, capsys):
    assert main(["explain", "net.prototxt", *SHAPES, "--classes", "4"]) == 0
    assert "explain.html: 21 steps through 11 layers" in capsys.readouterr().out
    made = content(tmp_path / "explain.html")
    step = next(s for s in made["steps"] if made["layers"][s["layer"]]["name"] == "relu")
    assert step["source"][0]["file"].replace("\\", "/") == "caffe_lite/layers/relu.py"
    assert any("self.ops.relu(" in line for line in step["source"][0]["lines"])
    assert made["isLoss"] and made["objective"] > 0
    page = (tmp_path / "explain.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=|https?://|@import|fetch\(", page), "the page loads something"


def test_inputs_from_a_file(tmp_path):
    values = np.arange(40.0).reshape(2, 1, 5, 4) / 7
    np.savez("inputs.npz", data=values, label=np.array([3.0, 0.0]))
    command = ["explain", "net.prototxt", *SHAPES, "--input", "inputs.npz", "--out", "a.html"]
    assert main(command) == 0
    shown = content(tmp_path / "a.html")["steps"][0]["changes"]
    np.testing.assert_allclose(shown["data data"]["values"], values.ravel(), rtol=1e-5)
    assert shown["data label"]["values"] == [3, 0]


def test_names_from_a_strangers_file_cannot_end_the_script(tmp_path):
    name = "</script><script>alert(1)//"
    (tmp_path / "net.prototxt").write_text(NET.replace('"tiny"', f'"{name}"'))
    assert main(["explain", "net.prototxt", *SHAPES, "--classes", "4"]) == 0
    page = (tmp_path / "explain.html").read_text(encoding="utf-8")
    assert name not in page
    assert page.count("</script>") == 2
    assert content(tmp_path / "explain.html")["title"] == name


@pytest.mark.parametrize(
    "command, message",
    [
        (["LTSM"], "LTSM"),
        (["Data"], "Data has no bottoms"),
        (["net.prototxt"], "nowhere"),
        (["net.prototxt", *SHAPES, "--input", "net.prototxt"], "not a"),
    ],
)
def test_errors_are_one_line(command, message, capsys, tmp_path):
    assert main(["explain", *command]) != 0
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert not (tmp_path / "explain.html").exists()


@pytest.mark.skipif(BROWSER is None, reason="needs chromium on the PATH")
def test_a_browser_shows_a_step(tmp_path):
    assert main(["explain", "LSTM", "--out", "lstm.html"]) == 0
    dom = subprocess.run(
        [BROWSER, *FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
        + [f"{(tmp_path / 'lstm.html').as_uri()}#3"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert "lstm (LSTM), forward" in dom and "forget gate f" in dom
    assert dom.count('class="cell') > 100
