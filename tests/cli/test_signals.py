"""Signals: requests to a training run, and commands that end without a traceback."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import caffe_lite
from caffe_lite.cli import main
from caffe_lite.cli.signals import Interrupted, SignalRequests, ending_signals

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(caffe_lite.__file__).parents[1])}
EFFECTS = {"SIGINT": "stop", "SIGTERM": "stop", "SIGHUP": "snapshot"}


@pytest.mark.parametrize("order", [("SIGINT", "SIGHUP"), ("SIGHUP", "SIGTERM")])
def test_requests_of_one_iteration_are_kept_apart(order):
    with SignalRequests(EFFECTS) as requests:
        for name in order:
            signal.raise_signal(getattr(signal, name))
        assert [requests() for _ in range(3)] == ["snapshot", "stop", None]
        stop = next(name for name in order if name != "SIGHUP")
        assert requests.stopped_by == getattr(signal, stop)


def test_a_second_stop_ends_at_once():
    with SignalRequests(EFFECTS) as requests:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted) as error:
            signal.raise_signal(signal.SIGINT)
        assert error.value.number == signal.SIGINT
        assert requests() == "stop"
        signal.raise_signal(signal.SIGINT)  # the first one has been answered
        assert requests() == "stop"


def test_effects_and_former_handlers():
    before = signal.getsignal(signal.SIGTERM)
    with SignalRequests({"SIGTERM": "none", "SIGHUP": "stop"}) as requests:
        signal.raise_signal(signal.SIGTERM)
        assert requests() is None
        signal.raise_signal(signal.SIGHUP)
        assert requests() == "stop" and requests.stopped_by == signal.SIGHUP
    assert signal.getsignal(signal.SIGTERM) == before


def test_ignored_signals_stay_ignored():
    former = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with ending_signals():
            signal.raise_signal(signal.SIGTERM)
            with pytest.raises(Interrupted):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, former)


def test_a_signal_during_an_import_waits_for_its_end(tmp_path, monkeypatch):
    (tmp_path / "slow_module.py").write_text(
        "import signal, time\nsignal.raise_signal(signal.SIGTERM)\ntime.sleep(0.1)\ndone = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with ending_signals(), pytest.raises(Interrupted):
        import slow_module

        assert slow_module.done
        time.sleep(5)
    assert "slow_module" in sys.modules


def test_main_in_a_thread(job, capsys):
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 2")
    codes = []
    thread = threading.Thread(
        target=lambda: codes.append(main(["train", "--solver", "solver.prototxt"]))
    )
    thread.start()
    thread.join()
    assert codes == [0]
    assert "Optimization Done." in capsys.readouterr().err


@pytest.fixture
def long_job(job):
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 100000000")
    job.change("solver.prototxt", "snapshot: 10", "snapshot: 0")
    return job


def start(*options):
    command = [sys.executable, "-m", "caffe_lite", "train", "--solver", "solver.prototxt"]
    return subprocess.Popen(
        [*command, *options], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    )


def wait_for(process, text):
    lines = []
    while text not in "".join(lines[-1:]):
        lines.append(process.stderr.readline())
        assert lines[-1], "".join(lines)


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_stopped_run_says_so(long_job, name, code):
    process = start()
    wait_for(process, "Iteration 5 ")
    process.send_signal(getattr(signal, name))
    log = process.communicate(timeout=60)[1]
    assert process.returncode == code
    state = max(long_job.path.glob("small_iter_*.solverstate"), key=os.path.getmtime)
    iteration = state.stem.rpartition("_")[2]
    assert log.splitlines()[-1] == (
        f"caffe_lite train: stopped by {name} after iteration {iteration}; snapshot: {state.name}"
    )
    assert "Optimization stopped early." in log and "Optimization Done." not in log


def test_sigterm_may_take_a_snapshot_only(long_job):
    process = start("--sigterm-effect", "snapshot", "--sigint_effect=stop")
    wait_for(process, "Iteration 5 ")
    process.send_signal(signal.SIGTERM)
    wait_for(process, "Snapshotting solver state")
    wait_for(process, "] Iteration ")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_without_a_final_snapshot_the_last_line_says_so(long_job):
    long_job.change("solver.prototxt", "random_seed", "snapshot_after_train: false random_seed")
    process = start()
    wait_for(process, "Iteration 5 ")
    process.send_signal(signal.SIGTERM)
    log = process.communicate(timeout=60)[1]
    assert process.returncode == 143
    assert log.splitlines()[-1].endswith("; no snapshot was taken")


# As the command does, with a mark where the interpreter has started: before that, no code of this
# package can handle a signal.
ENTRY = """
import sys, caffe_lite
print("started", file=sys.stderr, flush=True)
from caffe_lite.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("delay", [0.03, 0.08, 0.2, 0.4])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_early_signals_leave_no_traceback(long_job, name, delay):
    process = subprocess.Popen(
        [sys.executable, "-c", ENTRY, "train", "--solver", "solver.prototxt"],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(process, "started")
    time.sleep(delay)
    process.send_signal(getattr(signal, name))
    log = process.communicate(timeout=60)[1]
    number = getattr(signal, name)
    assert process.returncode in (-number, 128 + number)
    assert "Traceback" not in log and "ignored" not in log


def test_compilers_end_with_us(long_job, tmp_path):
    compiler = tmp_path / "bin" / "cc"
    compiler.parent.mkdir()
    pids = tmp_path / "pids"
    compiler.write_text(f"#!/bin/sh\nsleep 600 &\necho $$ $! >> {pids}\nwait\n")
    compiler.chmod(0o755)
    environment = {
        **ENVIRONMENT,
        "PATH": f"{compiler.parent}:{os.environ['PATH']}",
        "CAFFE_LITE_CACHE": str(tmp_path / "cache"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "caffe_lite", "train", "--solver", "solver.prototxt"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(200):
        if pids.exists() and pids.read_text().count("\n"):
            break
        time.sleep(0.05)
    else:
        process.kill()
        process.communicate()
        pytest.skip("the package holds a compiled library and starts no compiler")
    process.send_signal(signal.SIGTERM)
    log = process.communicate(timeout=60)[1]
    assert process.returncode == 143 and log.splitlines()[-1] == "caffe_lite: ended by SIGTERM"
    time.sleep(0.1)
    for pid in pids.read_text().split():
        assert not running(int(pid)), pid
    assert not list((tmp_path / "cache").rglob("build-*"))


def running(pid):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
