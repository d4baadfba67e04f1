"""How many threads the CPU backends use."""

import os

import pytest

from caffe_lite.backend import processors


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Eight processors, and a control group whose files are in tmp_path."""
    for name in processors.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(processors, "CONTROL_GROUPS", tmp_path)
    return tmp_path


def test_all_processors_where_nothing_limits_them(machine):
    assert processors.thread_count() == 8


@pytest.mark.parametrize(
    ("text", "threads"),
    [("max 100000", 8), ("250000 100000", 3), ("5000 100000", 1), ("9000000 100000", 8), ("", 8)],
)
def test_share_of_a_container(machine, text, threads):
    (machine / "cpu.max").write_text(text)
    assert processors.thread_count() == threads


@pytest.mark.parametrize(("quota", "threads"), [("-1", 8), ("400000", 4)])
def test_share_by_the_older_files(machine, quota, threads):
    (machine / "cpu").mkdir()
    (machine / "cpu" / "cpu.cfs_quota_us").write_text(quota + "\n")
    (machine / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert processors.thread_count() == threads


def test_settings_come_first(machine, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert processors.thread_count() == 5
    monkeypatch.setenv("CAFFE_LITE_THREADS", "12")
    assert processors.thread_count() == 12
    monkeypatch.setenv("CAFFE_LITE_THREADS", "many")
    assert processors.thread_count() == 5
