"""pycaffe's solver warns of a loss that is not finite, and leaves the decision to the script."""

import numpy as np
import pytest

import caffe_lite.pycaffe as caffe
from caffe_lite.errors import SolverError

SOLVER = """
net_param {
  layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
  layer { name: "log" type: "Log" bottom: "x" top: "y" }
  layer { name: "ip" type: "InnerProduct" bottom: "y" top: "ip"
          inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "Reduction" bottom: "ip" top: "loss" loss_weight: 1 }
}
base_lr: 0.1 lr_policy: "fixed" display: 1 max_iter: 5 snapshot: 2
"""


@pytest.fixture
def solver(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    made = caffe.get_solver("solver.prototxt")
    made.net.blobs["x"].data[...] = 1
    return made


def test_step_warns_and_goes_on(solver, tmp_path, caplog):
    solver.step(2)
    solver.net.blobs["x"].data[1, 2] = 0
    with caplog.at_level("WARNING", logger="caffe_lite"):
        solver.step(3)
    assert solver.iter == 5
    first = caplog.records[0].getMessage()
    assert 'first such value is in layer "log" (Log), top "y": 1 infinite of 6 values' in first
    assert "likely causes: the logarithm of 0" in first
    assert {path.stem for path in tmp_path.glob("solver_iter_*")} == {"solver_iter_2"}


def test_snapshot_replaces_nothing_with_such_weights(solver, tmp_path):
    solver.snapshot()
    before = (tmp_path / "solver_iter_0.caffemodel").read_bytes()
    solver.net.params["ip"][0].data[0, 0] = np.inf
    with pytest.raises(SolverError, match="exists and is not replaced"):
        solver.snapshot()
    assert (tmp_path / "solver_iter_0.caffemodel").read_bytes() == before
