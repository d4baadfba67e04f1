"""What Python and Jupyter show of blobs, layers, nets and solvers."""

import numpy as np

import caffe_lite
from caffe_lite.backend import get_ops
from caffe_lite.blob import Blob
from tests.nets.small_net import SMALL, build


def test_blobs():
    blob = Blob(get_ops(), 2, 3)
    assert repr(blob) == "Blob(2, 3)"
    assert blob._repr_html_().count("<td>-</td>") == 8
    assert not blob.has_data, "a look at a blob allocated it"
    blob.data[...] = [[1, 2, 3], [4, 5, 9]]
    shown = blob._repr_html_()
    assert "<td>data</td><td>1</td><td>4</td><td>9</td>" in shown
    blob.diff[...] = np.nan
    assert "<td>nan</td>" in blob._repr_html_()
    assert "<td>-</td>" in Blob(get_ops(), 0, 3)._repr_html_()


def test_layers_and_nets():
    with build(SMALL.replace('"h"', '"h<b>"') % "") as net:
        assert repr(net.layers[2]) == '<InnerProduct "a": blobs (4, 3), (4,)>'
        assert repr(net.layers[3]) == '<ReLU "r">'
        text = '<Net "small": 6 layers, 26 parameters; x (5, 3), t (5, 2), loss ()>'
        assert repr(net) == text
        shown = net._repr_html_()
        assert "h&lt;b&gt; (5, 4)" in shown and "h<b>" not in shown
        assert shown.count("<tr>") == 7


def test_solvers(tmp_path):
    (tmp_path / "net.prototxt").write_text(SMALL % "")
    (tmp_path / "solver.prototxt").write_text(
        f'net: "{tmp_path}/net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 30'
    )
    with caffe_lite.get_solver(tmp_path / "solver.prototxt") as solver:
        solver.step(2)
        assert repr(solver).startswith('<SGDSolver: iteration 2 of 30, <Net "small": 6 layers')
