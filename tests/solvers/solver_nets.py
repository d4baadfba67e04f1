"""Solvers, nets and listeners that the tests of solvers share."""

from pathlib import Path

import h5py
import numpy as np

from caffe_lite.backend import get_ops
from caffe_lite.proto import schema, text
from caffe_lite.solvers import events, get_solver

REFERENCE = Path(__file__).parent.parent / "reference"
RECORDED = REFERENCE / "solvers"
FILES = REFERENCE / "files"

# Two layers with learned blobs of four shapes, each with multipliers of its own.
TWO_LAYERS = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 5 dim: 3 } } }
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 5 dim: 2 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a"
        param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
        inner_product_param { num_output: 4 weight_filler { type: "gaussian" }
                              bias_filler { type: "uniform" min: -1 } } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b"
        param { lr_mult: 0.5 decay_mult: 3 } param { }
        inner_product_param { num_output: 2 weight_filler { type: "gaussian" }
                              bias_filler { type: "uniform" min: -1 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "b" bottom: "t" top: "loss" }
"""

# Reads rows.txt in `folder`, in batches that do not divide its rows.
ROWS_NET = """
layer {{ name: "data" type: "HDF5Data" top: "data" top: "label"
        hdf5_data_param {{ source: "{folder}/rows.txt" batch_size: 4 shuffle: true }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param {{ num_output: 2 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "label" top: "loss" }}
"""


def make_solver(settings, net=TWO_LAYERS, dtype="float64", **options):
    """A solver with `net` inlined as net_param."""
    param = text.parse(f"{settings} net_param {{ {net} }}", schema.SolverParameter)
    return get_solver(param, get_ops(dtype=dtype), **options)


def recorded_solver(name, extra="", **options):
    """A solver whose training the reference recorded, with its starting values; the record."""
    with np.load(RECORDED / f"{name}.npz") as file:
        record = dict(file)
    solver = get_solver(
        text.parse(str(record["solver"]) + extra, schema.SolverParameter), get_ops(), **options
    )
    set_params(solver.net, record, "init")
    return solver, record


def set_params(net, record, prefix):
    for key in record:
        if key.startswith(f"{prefix}/"):
            layer, i = key.removeprefix(f"{prefix}/").split("/")
            net.params[layer][int(i)].data[...] = record[key]


def set_inputs(solver, record, iteration):
    for key in record:
        if key.startswith("in/"):
            solver.net.blobs[key[3:]].data[...] = record[key][iteration]


def params(solver):
    return [blob.data.copy() for blob in solver.net.learnable_params]


class Recorder:
    """A listener that keeps every event, times aside."""

    def __init__(self):
        self.events = []

    def __call__(self, event):
        self.events.append(event)

    def of(self, *types):
        return [event for event in self.events if isinstance(event, types)]

    @property
    def log(self):
        """What a run shows, without times: equal for runs that did the same."""
        shown = []
        for event in self.events:
            if isinstance(event, events.IterationDisplayed):
                shown.append((event.iteration, event.loss, event.learning_rate, event.outputs))
            elif isinstance(event, events.TestDone):
                shown.append((event.iteration, event.test_index, event.outputs, event.loss))
            elif isinstance(
                event, (events.FinalLoss, events.TestStarted, events.LearningRateStepped)
            ):
                shown.append(event)
        return shown


def write_rows(path, rows, seed):
    """An HDF5 file of `data` (rows, 3) and `label` (rows, 2), and a list that names it."""
    rng = np.random.default_rng(seed)
    with h5py.File(path.with_suffix(".h5"), "w") as file:
        file["data"] = rng.normal(size=(rows, 3)).astype("f4")
        file["label"] = rng.normal(size=(rows, 2)).astype("f4")
    path.write_text(f"{path.with_suffix('.h5')}\n")
