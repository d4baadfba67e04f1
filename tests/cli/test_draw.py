"""The command draw, and pycaffe's draw module behind BVLC's draw_net.py."""

import pytest

import caffe_lite.pycaffe as caffe
from caffe_lite.cli import main
from caffe_lite.errors import CaffeError, UsageError
from caffe_lite.proto import load


def test_files(job, capsys):
    assert main(["draw", "net.prototxt", "net.svg", "--phase", "ALL"]) == 0
    assert capsys.readouterr().out == "net.svg: 8 layers\n"
    svg = (job.path / "net.svg").read_text()
    assert ">TRAIN<" in svg and ">TEST<" in svg and "drop · Dropout  ratio 0.2" in svg
    assert main(["draw", "net.prototxt", "--out", "net.html", "-rankdir=LR"]) == 0
    assert (job.path / "net.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["net.prototxt"], 2, "name the drawing once: OUT or --out OUT"),
        (["net.prototxt", "a.svg", "--out", "b.svg"], 2, "name the drawing once"),
        (["net.prototxt", "a.gif"], 2, "a.gif: drawings are written as .svg, .png, .dot, .html"),
        (["none.prototxt", "a.svg"], 1, "none.prototxt: no such file"),
        (["net.prototxt", "none/a.svg"], 1, "none/a.svg: cannot be written"),
    ],
)
def test_what_is_refused(words, code, message, job, capsys):
    assert main(["draw", *words]) == code
    assert message in capsys.readouterr().err


def test_pycaffe_draws_what_draw_net_py_asks_for(job, monkeypatch):
    net = load.load_net("net.prototxt")
    caffe.draw.draw_net_to_file(net, "net.png", "TB", caffe.TRAIN, True)
    assert (job.path / "net.png").read_bytes().startswith(b"\x89PNG")
    dot = caffe.draw.draw_net(net, "BT", "raw", None, display_lrm=True).decode()
    assert dot.count("[TRAIN]") == 1 and dot.count("[TEST]") == 2
    assert "ip1 (InnerProduct)\\n12, lr mult 1.0, 1.0" in dot
    with pytest.raises(UsageError, match='rankdir "UP" is unknown; known are TB, BT, LR, RL'):
        caffe.draw.draw_net(net, "UP")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="in the format pdf need Graphviz's program dot"):
        caffe.draw.draw_net(net, "LR", "pdf")
    monkeypatch.setitem(__import__("sys").modules, "pydot", None)
    with pytest.raises(CaffeError, match="pip install pydot"):
        caffe.draw.get_pydot_graph(net, "LR")
