"""Every call to the system fails once; the machine crashes before every call.

The scenarios are a snapshot, a resume, a dataset conversion and a cache build. Whatever fails, old
files stay whole, there is one clear error, and no temporary file is left.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import shim

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.compiler, pytest.mark.slow]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    found = shim.build(tmp_path_factory.mktemp("shim"))
    if found is None:
        pytest.skip("calls are made to fail by a C library preloaded on Linux: needs a C compiler")
    return found


@pytest.fixture
def tries(library, tmp_path):
    """tries(mode, scenario) -> what each try reported; see host.py."""

    def run(mode, scenario):
        environment = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "CAFFE_LITE_THREADS": "1",
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.host", mode, scenario, str(tmp_path)],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    return run


FAULTS = {  # scenario: the kinds of call that it makes
    "snapshot": {"open", "write", "fsync", "replace", "allocate"},
    "snapshot HDF5": {"open", "write", "fsync", "replace", "allocate"},
    "resume": {"open", "mmap", "allocate"},
    "resume HDF5": {"open", "mmap", "allocate"},
    "conversion": {"open", "write", "fsync", "replace", "mmap", "allocate"},
    "cache build": {"open", "fsync", "replace"},
}


@pytest.mark.parametrize("scenario", FAULTS)
def test_any_call_may_fail(tries, scenario):
    found, log = tries("fail", scenario)
    assert {each["kind"] for each in found} >= FAULTS[scenario]
    for each in found:
        where = f"{each['kind']} {each['number']}: {each['message']}"
        assert not each["problems"], f"{where}: {each['problems']}\n{log}"
        assert clear(each), where


def clear(result):
    """One of our errors in one line, or Python's own for memory that is not to be had."""
    if result["error"] is None:
        return True
    if result["kind"] == "allocate" and {"MemoryError", "SystemError"} & set(result["error"]):
        return True  # SystemError: NumPy's indexing raises it when memory runs out
    return "CaffeError" in result["error"] and "\n" not in result["message"]


@pytest.mark.parametrize(
    "scenario", ["first snapshot", "first snapshot HDF5", "conversion", "cache build"]
)
def test_the_machine_may_crash_at_any_point(tries, scenario):
    found, log = tries("crash", scenario)
    assert len(found) >= 4
    for each in found:
        assert not each["problems"], f"before {each['call']}: {each['problems']}\n{log}"


def test_the_harness_finds_careless_writing(tries):
    found, _ = tries("fail", "careless")
    problems = {problem for each in found for problem in each["problems"]}
    assert problems == {"in place is damaged", "draft is left"}
    assert not any(clear(each) for each in found)


def test_the_crashes_find_careless_writing(tries):
    found, _ = tries("crash", "careless")
    problems = {problem for each in found for problem in each["problems"]}
    assert problems == {"moved is damaged"} or problems == {
        "moved is damaged",
        "in place is damaged",
    }
