"""pycaffe's solvers: steps, test nets, snapshots, callbacks."""

from pathlib import Path

import numpy as np
import pytest

import caffe_lite.pycaffe as caffe

NET = """
    layer { name: "x" type: "DummyData" top: "x" top: "t"
            dummy_data_param { shape { dim: 6 dim: 3 } shape { dim: 6 dim: 2 }
                               data_filler { type: "gaussian" } data_filler { type: "constant"
                               value: 0.5 } } }
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
            inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    file = tmp_path / "solver.prototxt"
    file.write_text(f"""
        net: "{tmp_path}/net.prototxt" test_iter: 2 test_interval: 100 base_lr: 0.1
        lr_policy: "step" gamma: 0.5 stepsize: 4 max_iter: 9 momentum: 0.9 random_seed: 2
        snapshot_prefix: "{tmp_path}/snap" """)
    return str(file)


def weights(solver):
    return solver.net.params["ip"][0].data.copy()


def test_step_trains_and_counts(path):
    solver = caffe.get_solver(path)
    assert solver.iter == 0 and len(solver.test_nets) == 1
    before = weights(solver)
    solver.step(3)
    assert solver.iter == 3 and (weights(solver) != before).any()
    assert (solver.test_nets[0].params["ip"][0].data == weights(solver)).all()
    np.testing.assert_allclose(solver.lr, 0.1)
    solver.step(2)
    np.testing.assert_allclose(solver.lr, 0.05)


def test_one_step_by_hand(path):
    solver = caffe.SGDSolver(path)
    before = weights(solver)
    solver.step(1)
    np.testing.assert_allclose(
        weights(solver), before - 0.1 * dloss(solver, before), rtol=1e-4, atol=1e-6
    )


def dloss(solver, weight):
    x, t = (solver.net.blobs[name].data for name in "xt")
    return (x @ weight.T - t).T @ x / len(x)


def test_snapshot_and_restore_continue_the_run(path):
    solver = caffe.get_solver(path)
    solver.step(4)
    solver.snapshot()
    solver.step(3)
    resumed = caffe.get_solver(path)
    resumed.restore(path.replace("solver.prototxt", "snap_iter_4.solverstate"))
    assert resumed.iter == 4
    resumed.step(3)
    assert (weights(resumed) == weights(solver)).all()


def test_solve_goes_to_max_iter_and_snapshots(path, tmp_path):
    solver = caffe.get_solver(path)
    solver.solve()
    assert solver.iter == 9
    assert (tmp_path / "snap_iter_9.caffemodel").exists()


@pytest.mark.parametrize("name", ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"])
def test_solver_classes_set_the_rule(path, name):
    if name in ("AdaGrad", "RMSProp"):  # these refuse a momentum
        file = Path(path)
        file.write_text(file.read_text().replace("momentum: 0.9", ""))
    solver = getattr(caffe, f"{name}Solver")(path)
    assert solver.param.type == name
    before = weights(solver)
    solver.step(1)
    assert (weights(solver) != before).any()


def test_callbacks_run_around_each_iteration(path):
    solver = caffe.get_solver(path)
    calls = []
    solver.add_callback(lambda: calls.append("start"), lambda: calls.append("ready"))
    solver.step(2)
    assert calls == ["start", "ready"] * 2


def test_apply_update_takes_the_diffs_as_they_are(path):
    solver = caffe.get_solver(path)
    before = weights(solver)
    solver.net.params["ip"][0].diff[...] = 1
    solver.apply_update()
    np.testing.assert_allclose(weights(solver), before - 0.1, rtol=1e-5)


def test_share_weights(path):
    solver = caffe.get_solver(path)
    other = caffe.Net(path.replace("solver", "net"), caffe.TEST)
    solver.share_weights(other)
    solver.step(1)
    assert (other.params["ip"][0].data == weights(solver)).all()
