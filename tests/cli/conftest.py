"""A small job on disk: HDF5 data that can be learned, a net with two test outputs, a solver."""

from types import SimpleNamespace

import h5py
import numpy as np
import pytest

NET = """
name: "small"
layer { name: "data" type: "HDF5Data" top: "data" top: "label" include { phase: TRAIN }
        hdf5_data_param { source: "train.txt" batch_size: 10 shuffle: true } }
layer { name: "data" type: "HDF5Data" top: "data" top: "label" include { phase: TEST }
        hdf5_data_param { source: "test.txt" batch_size: 8 } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
        inner_product_param { num_output: 12 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "drop" type: "Dropout" bottom: "ip1" top: "ip1"
        dropout_param { dropout_ratio: 0.2 } }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy"
        include { phase: TEST } }
"""

SOLVER = """
net: "net.prototxt"
test_iter: 3
test_interval: 10
base_lr: 0.1
lr_policy: "step"
gamma: 0.5
stepsize: 15
momentum: 0.9
display: 5
average_loss: 3
max_iter: 24
snapshot: 10
snapshot_prefix: "small"
random_seed: 3
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    """The working directory with net.prototxt, solver.prototxt and data; `write` changes a file."""
    rng = np.random.default_rng(0)
    for name, count in (("train", 37), ("test", 24)):
        label = rng.integers(0, 3, count)
        data = rng.normal(size=(count, 4)) + 3 * np.eye(3, 4)[label]
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["data"], file["label"] = data.astype("f4"), label.astype("f4")
        (tmp_path / f"{name}.txt").write_text(f"{name}.h5\n")
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)

    def change(name, old, new):
        text = (tmp_path / name).read_text()
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new))

    return SimpleNamespace(path=tmp_path, change=change)
