"""Run a plan's steps, each in a process of its own, from the first that is not done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from caffe_lite.cli.progress import duration
from caffe_lite.cli.reproduce.plan import Plan, Scores, Step
from caffe_lite.cli.reproduce.state import State
from caffe_lite.cli.reproduce.table import markdown
from caffe_lite.cli.signals import Interrupted
from caffe_lite.errors import CaffeError, DataError
from caffe_lite.proto.atomic import atomic_path

_PATIENCE = 600  # seconds that a stopped step has for its last iteration and snapshot


def check_data(plan: Plan) -> None:
    """Raise DataError that lists the data a plan lacks, and where to get it."""
    missing = [each for each in plan.needed if not each.path.exists()]
    if missing:
        listed = "; ".join(f"{each.path} ({each.source})" for each in missing)
        raise DataError(f"missing data: {listed}")


def run_plan(plan: Plan, folder: Path) -> State:
    """Run the steps that are not done; keep state.json, log.txt and table.md in `folder`.

    Raises CaffeError if another run, or a step that outlived its run, works in `folder`.
    """
    with _alone(folder) as lock:
        return _run_steps(plan, folder, lock)


@contextmanager
def _alone(folder: Path) -> Iterator[int | None]:
    """Lock `folder`; the descriptor that holds the lock, or None on a system without locks.

    Steps inherit it, so the lock lasts as long as a step of a run that was killed.
    """
    try:
        import fcntl
    except ImportError:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CaffeError(
                f"{folder}: another run works there, or a step of one that was killed; wait for it "
                "to end, or give another --out"
            ) from None
        except OSError:  # a file system without locks
            yield None
            return
        yield file.fileno()


def _run_steps(plan: Plan, folder: Path, lock: int | None) -> State:
    state = State(folder / "state.json")
    for number, step in enumerate(plan.steps, 1):
        title = f"step {number} of {len(plan.steps)}: {step.name}"
        if state.has(step):
            continue
        print(title, flush=True)
        start = time.perf_counter()
        scores = _run(step, folder / "log.txt", lock)
        seconds = time.perf_counter() - start
        state.finish(step, seconds, scores)
        shown = "".join(f", {name} {value:.4g}" for name, value in scores.items())
        print(f"  done in {duration(seconds)}{shown}", flush=True)
        _write_table(plan, state, folder)
    _write_table(plan, state, folder)
    return state


def _write_table(plan: Plan, state: State, folder: Path) -> None:
    with atomic_path(folder / "table.md") as partial:
        partial.write_text(markdown(plan, state))


def _run(step: Step, log: Path, lock: int | None) -> Scores:
    step.folder.mkdir(parents=True, exist_ok=True)
    if step.make is not None:
        step.make()
    if not step.words:
        return {}
    with log.open("ab") as diagnostics:
        diagnostics.write(f"\n$ caffe_lite {' '.join(step.words)}\n".encode())
        diagnostics.flush()
        if step.output is None:
            _execute(step, diagnostics, diagnostics, log, lock)
            return {}
        step.output.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(step.output) as partial, partial.open("wb") as output:
            _execute(step, output, diagnostics, log, lock)
    return step.read(_json(step.output)) if step.read else {}


def _execute(step: Step, output: Any, diagnostics: Any, log: Path, lock: int | None) -> None:
    """Run the command. A signal that ends this process is passed on, so that `train` snapshots."""
    child = subprocess.Popen(
        step.command,
        cwd=step.folder,
        env=_environment(step.variables),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=diagnostics,
        start_new_session=True,  # a Ctrl-C reaches it through us, once
        pass_fds=() if lock is None else (lock,),
    )
    try:
        code = child.wait()
    except Interrupted as interrupt:
        _end(child, interrupt.number)
        raise
    except BaseException:
        child.kill()
        child.wait()
        raise
    if code:
        raise CaffeError(
            f"the step {step.name} failed with exit code {code}: {_last_line(log)}; see {log}. "
            "Repeat the command to continue"
        )


def _end(child: subprocess.Popen[bytes], number: int) -> None:
    print("stopping the step; repeat the command to continue", file=sys.stderr, flush=True)
    child.send_signal(number)
    try:
        child.wait(_PATIENCE)
    except BaseException:  # too late, or a second signal
        child.kill()
        child.wait()


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """That of this process; the package that runs now is found from any folder."""
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **variables}


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path}: is not JSON: {error}") from None


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n$ ")[-1].strip().splitlines()[1:]
    return lines[-1] if lines else "it printed nothing"
