"""Runs a scenario with every possible fault, or every possible crash; started by the tests.

    LD_PRELOAD=shim.so python -m tests.faults.host fail|crash SCENARIO FOLDER

Prints a JSON line for each try. A try is a forked child, so that all start from the same modules
and caches.
"""

import json
import os
import pickle
import shutil
import sys
import traceback
from pathlib import Path

from tests.faults.crash import Disk
from tests.faults.scenarios import SCENARIOS, describe
from tests.faults.shim import KINDS, Shim


class Tries:
    """All faults, or all crashes, of one scenario. All use one folder, since files name it."""

    def __init__(self, scenario, base):
        self.scenario, self.shim = scenario, Shim()
        self.work, self.prepared = base / "work", base / "prepared"
        self.report = base / "report"
        self.work.mkdir()
        scenario.prepare(self.work)
        self.work.rename(self.prepared)
        self.start_afresh()
        scenario.run(self.work)  # everything is imported now
        self.before, self.after = describe(self.prepared), describe(self.work)

    def start_afresh(self):
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.prepared, self.work)

    def faults(self):
        for kind in (*KINDS, "allocate"):
            for number in range(1, self.attempt(kind, 0)["calls"] + 1):
                yield self.fault(kind, number)

    def fault(self, kind, number):
        """One call fails: how the run ended, and what is wrong with the files that it left."""
        result = self.attempt(kind, number)
        ended = result["error"] is None
        # A run that ends without an error met the fault where it removes a temporary file.
        found = self.problems(may_leave=ended and kind == "open")
        if ended and self.after.items() - describe(self.work).items():
            found.append("it ended without an error, but not all is there")
        found += in_child(lambda: self.scenario.check(self.work))
        return {**result, "kind": kind, "number": number, "problems": found}

    def attempt(self, kind, number):
        """Run the scenario with one fault: how it ended, and how many calls of the kind it made."""
        self.start_afresh()
        self.report.unlink(missing_ok=True)

        def run():
            calls = self.shim.fail(self.work, kind, number)
            error = None
            try:
                self.scenario.run(self.work)
            except BaseException as problem:
                error = problem
            result = {"calls": calls(), "error": None, "message": None}
            self.shim.fail(self.work, "allocate", 0)
            if error is not None:
                names = [each.__name__ for each in type(error).__mro__]
                result.update(error=names, message=str(error))
            self.report.write_text(json.dumps(result))

        trouble = in_child(run)
        if trouble:
            return {"calls": 0, "error": trouble, "message": "the process died"}
        return json.loads(self.report.read_text())

    def problems(self, may_leave):
        """What is wrong with the files in the work folder."""
        found = []
        try:
            now = describe(self.work)
        except Exception as error:
            return [f"a file cannot be read any more: {error!r}"]
        for name in now.keys() | self.before.keys():
            if name not in self.before and name not in self.after:
                found += [] if may_leave else [f"{name} is left"]
            elif now.get(name) not in {self.before.get(name), self.after.get(name)}:
                found.append(f"{name} is damaged" if name in now else f"{name} is gone")
        return found

    def crashes(self):
        for call, image in self.images():
            yield self.crash(call, image)

    def images(self):
        """(call, {name: content}): what a crash before each call would leave on the disk."""
        self.start_afresh()
        disk = Disk(self.work)

        def run():
            self.shim.watch(self.work, disk.before)
            self.scenario.run(self.work)
            disk.before("end", str(self.work))
            self.shim.watch(self.work / "nothing", disk.before)
            self.report.write_bytes(pickle.dumps(disk.images))

        trouble = in_child(run)
        if trouble:
            raise RuntimeError(trouble)
        return pickle.loads(self.report.read_bytes())  # noqa: S301, our own child wrote it

    def crash(self, call, image):
        """What is wrong with the files that a crash left, and whether work can go on from them."""
        shutil.rmtree(self.work)
        self.work.mkdir()
        for name, content in image.items():
            path = self.work / name
            if self.scenario.unsynced is None or not name.startswith(self.scenario.unsynced):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                path.chmod(0o700)
        found = self.problems(may_leave=True)
        return {"call": call, "problems": found + in_child(lambda: self.scenario.check(self.work))}


def in_child(function):
    """Call the function in a forked child; what went wrong, as a list of texts."""
    child = os.fork()
    if not child:
        code = 0
        try:
            function()
        except BaseException:
            traceback.print_exc()
            code = 1
        os._exit(code)
    status = os.waitpid(child, 0)[1]
    return [f"a child ended with status {status}"] if status else []


def main(mode, name, folder):
    tries = Tries(SCENARIOS[name], Path(folder))
    for result in tries.crashes() if mode == "crash" else tries.faults():
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
