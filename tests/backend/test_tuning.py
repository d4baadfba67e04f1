"""Measured choices: kept between processes in a folder of this user's own."""

import logging
import os

import pytest

from caffe_lite.backend import cache
from caffe_lite.backend.gpu.tuning import Tuner, UnusableError

COSTS = {"slow": 5, "fast": 1, "broken": 0}


class Device:
    """A clock that advances by what each candidate costs."""

    def __init__(self):
        self.now = 0
        self.ran = []

    def run(self, candidate):
        if candidate == "broken":
            raise UnusableError
        self.ran.append(candidate)
        self.now += COSTS[candidate]

    def tuner(self, folder):
        return Tuner(lambda: self.now, lambda start, end: end - start, folder)


def choose(folder):
    """A new process's choice, and how many runs it took."""
    device = Device()
    chosen = device.tuner(folder).choose("shape", lambda: ["slow", "broken", "fast"], device.run)
    return chosen, len(device.ran)


def test_a_choice_is_measured_once(tmp_path):
    folder = tmp_path / "cache" / "cuda-x"
    assert choose(folder) == ("fast", 8)
    assert choose(folder) == ("fast", 1)
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o777 == 0o700


def test_without_a_folder_every_process_measures():
    assert choose(None) == choose(None) == ("fast", 8)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
@pytest.mark.parametrize("which", ["cache", "cache/cuda-x"])
def test_a_folder_that_others_can_write_to_is_neither_read_nor_written(tmp_path, which, caplog):
    folder = tmp_path / "cache" / "cuda-x"
    choose(folder)
    (file,) = folder.iterdir()
    kept = file.read_text().replace("fast", "slow")
    file.write_text(kept)
    (tmp_path / which).chmod(0o777)
    with caplog.at_level(logging.WARNING, "caffe_lite.backend"):
        assert choose(folder) == ("fast", 8)
    (record,) = caplog.records
    assert "measured choices are not kept" in record.message and "not trusted" in record.message
    assert file.read_text() == kept


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_file_that_others_can_write_to_is_replaced(tmp_path):
    folder = tmp_path / "cache" / "cuda-x"
    choose(folder)
    (file,) = folder.iterdir()
    file.write_text(file.read_text().replace("fast", "slow"))
    file.chmod(0o666)
    assert choose(folder) == ("fast", 8)
    assert "fast" in file.read_text() and file.stat().st_mode & 0o777 == 0o600


def test_drafts_of_killed_processes_are_removed(tmp_path):
    folder = tmp_path / "cache" / "cuda-x"
    choose(folder)
    (folder / f"{cache.DRAFT}123").write_text("half")
    choose(folder)
    assert len(list(folder.iterdir())) == 1


def test_a_full_disk_is_reported_and_ends_nothing(tmp_path, monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    folder = tmp_path / "cache" / "cuda-x"
    assert choose(folder) == ("fast", 8)
    assert not list(folder.iterdir())
    assert "cannot be written: No space left on device" in caplog.text
