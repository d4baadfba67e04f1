"""Training trajectories that the reference recorded: losses and weights after every iteration."""

import numpy as np
import pytest

from tests.solvers.solver_nets import RECORDED, recorded_solver, set_inputs


def error(got, want):
    scale = max(np.linalg.norm(want), 1e-3 * np.sqrt(np.size(want)))
    return np.linalg.norm(np.subtract(got, want, dtype="f8")) / scale


@pytest.mark.parametrize("name", sorted(path.stem for path in RECORDED.glob("*.npz")))
def test_trajectory(name):
    solver, record = recorded_solver(name)
    for iteration, loss in enumerate(record["loss"]):
        set_inputs(solver, record, iteration)
        solver.step(1)
        assert error(float(solver.net.loss()), loss) < 2e-6
        for key in record:
            if key.startswith(f"after/{iteration}/"):
                layer, i = key.split("/")[2:]
                assert error(solver.net.params[layer][int(i)].data, record[key]) < 2e-6, key


def test_a_rate_one_percent_off_is_noticed():
    solver, record = recorded_solver("adam")
    solver.param.base_lr *= 1.01
    set_inputs(solver, record, 0)
    solver.step(1)
    assert error(solver.net.params["ip1"][0].data, record["after/0/ip1/0"]) > 1e-4
