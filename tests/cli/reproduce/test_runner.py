"""The runner of `lrcn reproduce`: order, resuming, failures and signals, with steps of a line."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from caffe_lite.cli.reproduce.plan import Cell, Needed, Plan, Step
from caffe_lite.cli.reproduce.runner import check_data, run_plan
from caffe_lite.cli.reproduce.state import State
from caffe_lite.cli.signals import Interrupted, ending_signals
from caffe_lite.errors import CaffeError, DataError


@dataclass(frozen=True)
class Script(Step):
    """A step that runs Python code, the first of its words."""

    @property
    def command(self):
        return [sys.executable, "-S", "-c", self.words[0]]


def mark(folder: Path, name: str, **more) -> Script:
    """A step that adds its name to `marks`."""
    return Script(name, folder, (f"open('marks', 'a').write('{name} ')",), **more)


def plan(*steps: Step, cells=(), needed=()) -> Plan:
    return Plan("Title", "A note.", tuple(needed), steps, tuple(cells))


def test_steps_run_once_in_order(tmp_path):
    three = plan(*(mark(tmp_path, name) for name in "abc"))
    run_plan(three, tmp_path)
    run_plan(three, tmp_path)
    assert (tmp_path / "marks").read_text() == "a b c "


def test_a_changed_step_runs_again(tmp_path):
    a, b = mark(tmp_path, "a"), mark(tmp_path, "b")
    run_plan(plan(a, b), tmp_path)
    run_plan(plan(a, replace(b, settings="units=2")), tmp_path)
    run_plan(plan(replace(a, variables={"X": "1"}), b), tmp_path)
    assert (tmp_path / "marks").read_text() == "a b b a b "


def test_scores_fill_the_table(tmp_path):
    found = tmp_path / "results" / "one.json"
    step = Script(
        "one",
        tmp_path,
        ("import os; print('{\"x\":', os.environ['X'], '}')",),
        {"X": "0.25"},
        output=found,
        read=lambda each: {"x": each["x"]},
    )
    cells = [
        Cell("row", "first", "one", "x", 12.5, 100),
        Cell("row", "second", "two", "x", 3.0),
        Cell("other", "first", "one", "x", None, places=3),
    ]
    run_plan(plan(step, cells=cells), tmp_path)
    table = (tmp_path / "table.md").read_text()
    assert "| row | 12.5 / 25.0 | 3.0 / - |" in table
    assert "| other | - / 0.250 |  |" in table
    assert "1 of 1 steps done" in table


def test_files_are_made_before_the_command(tmp_path):
    folder = tmp_path / "new"
    step = Script(
        "made",
        folder,
        ("assert open('net').read() == 'x'",),
        make=lambda: (folder / "net").write_text("x"),
    )
    assert run_plan(plan(step), tmp_path).has(step)


def test_a_failure_is_one_line_and_the_step_runs_again(tmp_path):
    bad = Script("bad", tmp_path, ("import sys; sys.exit('the net: is odd')",))
    with pytest.raises(CaffeError, match=r"step bad failed with exit code 1: the net: is odd; see"):
        run_plan(plan(mark(tmp_path, "a"), bad, mark(tmp_path, "c")), tmp_path)
    assert list(State(tmp_path / "state.json").done) == ["a"]
    run_plan(plan(mark(tmp_path, "a"), mark(tmp_path, "bad"), mark(tmp_path, "c")), tmp_path)
    assert (tmp_path / "marks").read_text() == "a bad c "


def test_a_failed_command_leaves_no_output(tmp_path):
    output = tmp_path / "out.json"
    bad = Script("bad", tmp_path, ("print('{'); raise SystemExit(3)",), output=output)
    with pytest.raises(CaffeError, match="exit code 3: it printed nothing"):
        run_plan(plan(bad), tmp_path)
    assert not output.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_step(tmp_path, number):
    code = (
        "import signal, time, sys\n"
        "def end(number, frame): open('ended', 'a').write(f'{number} '); sys.exit(128 + number)\n"
        "signal.signal(signal.SIGTERM, end); signal.signal(signal.SIGINT, end)\n"
        "open('began', 'w').close(); time.sleep(60)"
    )
    step = Script("long", tmp_path, (code,))

    def stop():
        while not (tmp_path / "began").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(Interrupted), ending_signals():
        run_plan(plan(mark(tmp_path, "a"), step), tmp_path)
    assert (tmp_path / "ended").read_text() == f"{int(number)} "
    assert list(json.loads((tmp_path / "state.json").read_text())["done"]) == ["a"]


def test_missing_data_is_listed_with_its_sources(tmp_path):
    (tmp_path / "here").mkdir()
    needed = [
        Needed(tmp_path / "here", "https://a"),
        Needed(tmp_path / "videos", "https://b"),
        Needed(tmp_path / "lists", "https://c"),
    ]
    with pytest.raises(DataError) as caught:
        check_data(plan(needed=needed))
    message = str(caught.value)
    assert f"{tmp_path}/videos (https://b)" in message and "(https://c)" in message
    assert "https://a" not in message and "\n" not in message


@pytest.mark.parametrize("text", ["", "[]", '{"done": {"a": 1}}', '{"done": {"a": {}}}'])
def test_a_foreign_state_is_refused(tmp_path, text):
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(DataError, match=r"state\.json: is not the state of a reproduction"):
        State(tmp_path / "state.json")


def test_a_step_that_outlives_its_run_keeps_others_out(tmp_path):
    """A run that is killed leaves its step; the next run says so instead of working beside it."""
    code = (
        "import sys; from pathlib import Path; from caffe_lite.cli.reproduce.plan import Plan; "
        "from tests.cli.reproduce.test_runner import Script; "
        "from caffe_lite.cli.reproduce.runner import run_plan; here = Path(sys.argv[1]); "
        'step = Script(\'slow\', here, (\'open("began", "w"); import time, os; '
        '[time.sleep(0.02) for _ in iter(lambda: os.path.exists("end"), True)]\',)); '
        "run_plan(Plan('T', 'N', (), (step,), ()), here)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=Path(__file__).resolve().parents[3]) as first:
        while not (tmp_path / "began").exists():
            time.sleep(0.02)
        first.kill()
    other = plan(mark(tmp_path, "a"))
    try:
        with pytest.raises(CaffeError, match="another run works there, or a step of one that was"):
            run_plan(other, tmp_path)
    finally:
        (tmp_path / "end").touch()
    for _ in range(500):
        try:
            run_plan(other, tmp_path)
            break
        except CaffeError:
            time.sleep(0.02)
    assert (tmp_path / "marks").read_text() == "a "
