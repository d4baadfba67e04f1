"""What a snapshot prefix guards: one training at a time, no litter, and which snapshots remain."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from caffe_lite.errors import SolverError
from caffe_lite.solvers.snapshot_files import snapshots
from tests.solvers.solver_nets import ROWS_NET, make_solver, params, write_rows

SETTINGS = 'base_lr: 0.01 lr_policy: "fixed" momentum: 0.5 random_seed: 1 max_iter: {} snapshot: {}'


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.txt", 11, seed=3)

    def make(max_iter=6, every=2, more="", **options):
        settings = SETTINGS.format(max_iter, every) + ' snapshot_prefix: "run" ' + more
        return make_solver(settings, ROWS_NET.format(folder=tmp_path), "float32", **options)

    return make


ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
HOLDER = """
import sys, time
from caffe_lite.solvers.lock import PrefixLock
with PrefixLock("run", "solver"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(make):
    """Another process that trains under the prefix."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_training_is_refused(make, holder, caplog):
    solver = make()
    with pytest.raises(SolverError) as caught:
        solver.solve()
    assert f'process {holder.pid} trains under snapshot_prefix "run"' in str(caught.value)
    assert "--force" in str(caught.value) and "\n" not in str(caught.value)
    assert solver.iter == 0 and not snapshots("run")
    forced = make(force=True)
    forced.solve()
    assert forced.iter == 6
    assert f"process {holder.pid} trains under" in caplog.text
    assert os.path.exists("run.lock")  # still the other's


def test_the_lock_of_a_killed_run_is_taken_over(make, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert os.path.exists("run.lock")
    solver = make()
    solver.solve()
    assert solver.iter == 6
    assert not os.path.exists("run.lock")


def test_one_process_may_train_twice(make):
    outer, inner = make(), make()
    outer.on_start.append(lambda: inner.solve() if inner.iter == 0 else None)
    outer.solve()
    assert (outer.iter, inner.iter) == (6, 6)
    assert not os.path.exists("run.lock")


def test_no_snapshots_need_no_lock(make, holder):
    solver = make(every=0, more="snapshot_after_train: false")
    solver.solve()
    assert solver.iter == 6


def test_temporary_files_of_killed_runs_are_removed(make, tmp_path, holder):
    ours = [".0123abcd.run_iter_4.caffemodel", ".89abcdef.run_iter_12.solverstate.h5"]
    others = [".0123abcd.run2_iter_4.caffemodel", "run_iter_9.notes", ".0123abcd.run_iter_4.txt"]
    for name in ours + others:
        (tmp_path / name).write_text("")
    make(force=True).solve()  # the other run may be writing them
    assert all((tmp_path / name).exists() for name in ours + others)
    holder.kill()
    holder.wait()
    make().solve()
    assert not any((tmp_path / name).exists() for name in ours)
    assert all((tmp_path / name).exists() for name in others)


def iterations():
    return [each.iteration for each in snapshots("run")]


@pytest.mark.parametrize(
    ("keep", "every", "remain"),
    [
        (None, 0, [2, 4, 6, 8, 10]),
        (1, 0, [10]),
        (2, 0, [8, 10]),
        (9, 0, [2, 4, 6, 8, 10]),
        (2, 4, [4, 8, 10]),
        (1, 6, [6, 10]),
    ],
)
def test_which_snapshots_remain(make, keep, every, remain):
    make(10, keep=keep, keep_every=every).solve()
    assert iterations() == remain
    weights = [f"run_iter_{n}.caffemodel" for n in remain]
    assert sorted(name for name in os.listdir() if "caffemodel" in name) == sorted(weights)


def test_snapshots_of_later_iterations_are_not_touched(make):
    make(10).solve()
    make(4, keep=1).solve()
    assert iterations() == [4, 6, 8, 10]


def test_resume_takes_the_newest_that_is_whole(make, caplog):
    whole = make(8)
    whole.solve()
    want = params(whole)
    for name, at in (("run_iter_8.solverstate", 5), ("run_iter_6.caffemodel", 40)):
        with open(name, "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 8]))
    os.remove("run_iter_2.caffemodel")
    resumed = make(8)
    seen = []
    resumed.listeners.append(lambda event: seen.append(type(event).__name__ + str(event)))
    with caplog.at_level("INFO", "caffe_lite"):
        resumed.solve("auto")
    assert any("Restored" in each and "run_iter_4.solverstate" in each for each in seen)
    assert "Resuming from run_iter_4.solverstate, the newest whole snapshot" in caplog.text
    assert re.search(r"not resuming from run_iter_8.*damaged", caplog.text)
    assert re.search(r"not resuming from run_iter_6.*run_iter_6.caffemodel: .*dam", caplog.text)
    for got, expected in zip(params(resumed), want, strict=True):
        assert (got == expected).all()


def test_resume_without_snapshots_starts(make, caplog):
    solver = make()
    with caplog.at_level("INFO", "caffe_lite"):
        solver.solve("auto")
    assert solver.iter == 6
    assert 'there is no snapshot under "run" yet: training from the start' in caplog.text


def test_resume_from_nothing_that_is_whole_is_an_error(make):
    make(4, 4).solve()
    os.remove("run_iter_4.caffemodel")
    with pytest.raises(SolverError, match='no snapshot under "run" is whole .*is missing'):
        make().solve("auto")


def test_a_training_that_is_killed_leaves_no_lock(make, tmp_path):
    """A process of its own, killed while it trains; the next run goes on at once."""
    code = (
        "from tests.solvers.solver_nets import make_solver\n"
        f"make_solver({SETTINGS.format(10**6, 50)!r} + ' snapshot_prefix: \"run\"', "
        f"{ROWS_NET.format(folder=tmp_path)!r}, 'float32').solve()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=ENVIRONMENT)
    limit = time.monotonic() + 60
    while not snapshots("run") and time.monotonic() < limit:
        time.sleep(0.02)
    process.kill()
    process.wait()
    last = iterations()[-1]
    resumed = make(last + 60, 0)
    resumed.solve("auto")
    assert resumed.iter == last + 60
    assert not [name for name in os.listdir() if name.startswith(".")]
