"""A solver whose events are recorded."""

import pytest

from tests.solvers.solver_nets import Recorder, make_solver, write_rows

# The loss of iteration i, from 1, is i: each forward's batch has one number, its own.
COUNTING = """
layer {{ name: "data" type: "HDF5Data" top: "data" top: "label"
        hdf5_data_param {{ source: "{folder}/rows.txt" batch_size: {batch} }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param {{ num_output: 2 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "label" top: "loss"
        loss_weight: 2 }}
layer {{ name: "twice" type: "Power" bottom: "label" top: "twice" power_param {{ scale: 2 }} }}
"""


@pytest.fixture
def train(tmp_path):
    """make(settings) -> the solver of a small net on rows in HDF5, and its Recorder."""
    write_rows(tmp_path / "rows.txt", 7, seed=4)

    def make(settings, batch=2, **options):
        recorder = Recorder()
        solver = make_solver(
            f'{settings} snapshot_prefix: "{tmp_path}/run"',
            COUNTING.format(folder=tmp_path, batch=batch),
            "float32",
            listeners=[recorder],
            **options,
        )
        recorder.events.clear()
        return solver, recorder

    return make
