"""prototxt/ssd_digits: the nets fit together, learn a little at once, and resume bit for bit.

`benchmarks/ssd_digits.py` trains them to the end.
"""

from pathlib import Path

import numpy as np
import pytest

from caffe_lite.datasets.export_boxes import write_ssd_digits
from caffe_lite.nets.net import Net
from caffe_lite.proto import load, schema
from caffe_lite.solvers import events
from caffe_lite.solvers.registry import get_solver

NETS = Path(__file__).parents[3] / "prototxt" / "ssd_digits"
SMALL = {"batch_size: 16": "batch_size: 4", "batch_size: 25": "batch_size: 3"}
FEW = {
    "test_iter: 12": "test_iter: 2",
    "test_interval: 400": "test_interval: 6",
    "max_iter: 1200": "max_iter: 6",
    "display: 50": "display: 1",
    "average_loss: 20": "average_loss: 1",
    "snapshot: 1200": "snapshot: 3",
    "test_initialization: false": "test_initialization: true",
}


def replaced(name, changes):
    text = (NETS / name).read_text()
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ssd")
    write_ssd_digits(folder / "data" / "ssd_digits", train_images=12, test_images=6)
    (folder / "prototxt" / "ssd_digits").mkdir(parents=True)
    for name in ("train.prototxt", "test.prototxt", "deploy.prototxt"):
        (folder / "prototxt" / "ssd_digits" / name).write_text(replaced(name, SMALL))
    settings = replaced("solver.prototxt", FEW)
    assert all(new in settings for new in FEW.values())
    (folder / "solver.prototxt").write_text(settings)
    return folder


@pytest.fixture(autouse=True)
def in_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)


def trained(resume=None):
    """The events of a training, and the weights at its end."""
    seen = []
    param = load.load_solver("solver.prototxt")
    with get_solver(param, listeners=[seen.append]) as solver:
        solver.solve(resume)
        return seen, [blob.data.copy() for blob in solver.net.learnable_params]


def test_training_learns_tests_and_resumes():
    seen, weights = trained()
    losses = [event.loss for event in seen if isinstance(event, events.IterationDisplayed)]
    assert losses[-1] < 0.7 * losses[0]
    tests = [event.outputs[0].value for event in seen if isinstance(event, events.TestDone)]
    assert len(tests) == 2 and all(0 <= value <= 1 for value in tests)
    snapshots = [event.state for event in seen if isinstance(event, events.Snapshotted)]
    again, resumed = trained(snapshots[0])
    for mine, theirs in zip(resumed, weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert [e.outputs[0].value for e in again if isinstance(e, events.TestDone)][-1] == tests[-1]


def test_all_nets_have_the_same_weights():
    nets = [
        Net(f"prototxt/ssd_digits/{name}.prototxt", phase)
        for name, phase in (
            ("train", schema.TRAIN),
            ("test", schema.TEST),
            ("deploy", schema.TEST),
        )
    ]
    shapes = [
        {layer.name: [blob.shape for blob in layer.blobs] for layer in net.layers if layer.blobs}
        for net in nets
    ]
    assert shapes[0] == shapes[1] == shapes[2]
    priors = nets[2].blobs["mbox_priorbox"]
    assert priors.shape == (1, 2, 4 * (16 * 16 * 4 + 8 * 8 * 4))
    for net in nets:
        net.close()
