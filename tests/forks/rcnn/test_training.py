"""prototxt/faster_rcnn_digits: the nets fit together, learn at once, and resume bit for bit.

`benchmarks/faster_rcnn_digits.py` trains them to the end.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from caffe_lite.datasets.ssd_digits import make_scenes
from caffe_lite.nets.net import Net
from caffe_lite.proto import load, schema
from caffe_lite.solvers import events
from caffe_lite.solvers.registry import get_solver

NETS = Path(__file__).parents[3] / "prototxt" / "faster_rcnn_digits"
FEW = {
    "max_iter: 4000": "max_iter: 40",
    "display: 100": "display: 10",
    "average_loss: 100": "average_loss: 10",
    "snapshot: 4000": "snapshot: 20",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rcnn")
    data, nets = folder / "data/faster_rcnn_digits", folder / "prototxt/faster_rcnn_digits"
    data.mkdir(parents=True)
    nets.mkdir(parents=True)
    lines = []
    for i, scene in enumerate(make_scenes(12)):
        Image.fromarray(scene.image).save(data / f"{i}.png")
        lines += [f"# {i}", f"{i}.png", "3 128 128", str(len(scene.labels))]
        for label, (x1, y1, x2, y2) in zip(scene.labels, scene.boxes, strict=True):
            lines.append(f"{label} 1 {x1} {y1} {x2 - 1} {y2 - 1}")
    (data / "train.txt").write_text("\n".join(lines) + "\n")
    for name in ("train.prototxt", "deploy.prototxt"):
        (nets / name).write_text((NETS / name).read_text())
    settings = (NETS / "solver.prototxt").read_text()
    for old, new in FEW.items():
        assert old in settings
        settings = settings.replace(old, new)
    (folder / "solver.prototxt").write_text(settings)
    return folder


@pytest.fixture(autouse=True)
def in_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)


def trained(resume=None):
    """The events of a training, and the weights at its end."""
    seen = []
    with get_solver(load.load_solver("solver.prototxt"), listeners=[seen.append]) as solver:
        solver.solve(resume)
        return seen, [blob.data.copy() for blob in solver.net.learnable_params]


def test_training_learns_and_resumes():
    seen, weights = trained()
    losses = [event.loss for event in seen if isinstance(event, events.IterationDisplayed)]
    assert np.isfinite(losses).all() and losses[-1] < 0.7 * losses[0]
    states = [event.state for event in seen if isinstance(event, events.Snapshotted)]
    _, resumed = trained(states[0])
    for mine, theirs in zip(weights, resumed, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_deploy_net_has_regions_and_their_scores():
    with Net("prototxt/faster_rcnn_digits/deploy.prototxt", schema.TEST) as net:
        net.blobs["im_info"].data[...] = [[128, 128, 1]]
        net.blobs["data"].data[...] = np.random.default_rng(1).normal(0, 60, (1, 3, 128, 128))
        net.forward()
        rois, scores, codes = (net.blobs[name].data for name in ("rois", "cls_prob", "bbox_pred"))
        assert 5 < len(rois) <= 40 and scores.shape == (len(rois), 11)
        assert codes.shape == (len(rois), 44)
        np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
        assert rois.min() >= 0 and rois.max() <= 127
