"""Ten trainings killed at random moments; tools/kill_test.py kills as many as one likes."""

import os
import random
import signal
from pathlib import Path

import pytest

from caffe_lite.datasets.export import write_digits
from tools import kill_test

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")


@pytest.fixture(autouse=True)
def path_of_the_package(monkeypatch):
    """The children find the package where this process found it."""
    places = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    if (ROOT / "caffe_lite").exists():
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, places)))
    monkeypatch.setenv("CAFFE_LITE_THREADS", "1")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return write_digits(tmp_path_factory.mktemp("data") / "digits")


@pytest.mark.slow
@pytest.mark.parametrize(("form", "kills"), [("LMDB", 4), ("HDF5", 3), ("image list", 3)])
def test_a_killed_training_resumes_as_if_never_stopped(tmp_path, digits, form, kills):
    resumed = kill_test.kill_and_resume(tmp_path, digits, form, kills, random.Random())
    assert len(resumed) == kills


def test_other_weights_are_noticed(tmp_path, digits, monkeypatch):
    final = kill_test.Training.final
    monkeypatch.setattr(
        kill_test.Training, "final", lambda self: final(self) + self.folder.name.encode()
    )
    with pytest.raises(kill_test.KillTestError, match="differs from that of"):
        kill_test.kill_and_resume(tmp_path, digits, "HDF5", 1, random.Random(1))
