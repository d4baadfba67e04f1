"""The small nets for sequences learn: sequence to sequence, a regularized RNN, a curriculum."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from caffe_lite.lrcn.captioner import Captioner
from caffe_lite.lrcn.vocabulary import Vocabulary
from caffe_lite.proto.load import load_net

ROOT = Path(__file__).resolve().parents[2]
NETS = ROOT / "prototxt" / "lrcn" / "sequences"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of the run, and the accuracies that it printed, in percent."""
    folder = tmp_path_factory.mktemp("sequences")
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "benchmarks/lrcn/sequences.py", "--work", folder],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split(": ") for line in done.stdout.splitlines() if line.endswith(" %")]
    return folder, {name: float(percent.removesuffix(" %")) for name, percent in rows}


def targets(folder, name):
    with h5py.File(folder / f"{name}.h5") as file:
        words = file["target_sentence"][:]
    return words[words >= 0].astype(int)


def most_frequent(words):
    return 100 * np.bincount(words).max() / len(words)


def test_frames_are_named_in_their_order(trained):
    folder, accuracies = trained
    assert accuracies["s2vt"] > 90 > 30 > most_frequent(targets(folder, "s2vt_test"))


def test_the_deploy_net_captions_videos(trained):
    folder, _ = trained
    words = folder / "words.txt"
    Vocabulary(f"w{i}" for i in range(1, 9)).write(words)
    captioner = Captioner.load(
        NETS / "s2vt.deploy.prototxt", folder / "sequences_s2vt.caffemodel", words
    )
    rng = np.random.default_rng(7)
    kinds = rng.integers(8, size=(60, 3))
    videos = np.eye(8)[kinds] + rng.normal(0, 0.2, (60, 3, 8))
    found = captioner.beam_search(videos, beam=3, max_length=6)
    named = [tuple(its) + (0,) for its in (kinds + 1).tolist()]
    right = sum(beams[0].ids == ids for beams, ids in zip(found, named, strict=True))
    assert right > 50


def test_dropout_lies_between_layers_alone_and_the_language_is_learned(trained):
    folder, accuracies = trained
    net = load_net(NETS / "regularized.prototxt")
    dropped = {layer.bottom[0] for layer in net.layer if layer.type == "Dropout"}
    assert dropped == {"embedded", "lstm1", "lstm2"}
    assert not dropped & {"cont_sentence"}
    assert accuracies["regularized"] > most_frequent(targets(folder, "language_test")) + 20


def test_a_curriculum_learns_what_its_first_stage_does_not(trained):
    _, accuracies = trained
    assert accuracies["execute, curriculum"] > 90
    assert accuracies["execute, easy alone"] < 60
