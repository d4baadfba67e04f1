"""Fuzz every reader of files, and write what came of it.

    python tools/fuzz.py                                     # 1,000,000 inputs, the report printed
    python tools/fuzz.py --inputs 20000 --reader LMDB --reader "text nets"
    python tools/fuzz.py --replay tests/corpus               # the inputs that were findings

An input must be read, or refused by one CaffeError of one line, within 2 s of processor time and
with 64 MiB and twice the input of memory. Other exceptions, ends of the process and hangs are
findings, kept in `--found`. Inputs are mutations of small sound files: by libFuzzer, led by
coverage, where atheris is installed and the reader is Python; by `fuzzing/mutate.py` elsewhere,
where the seed and the number give an input again.
"""

import argparse
import datetime
import importlib.util
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from caffe_lite.backend.describe import processor_name  # noqa: E402
from tools.fuzzing.readers import READERS  # noqa: E402
from tools.fuzzing.worker import MEGABYTES, SECONDS, Record, Worker, save_finding  # noqa: E402

HANG = 120  # seconds without a finished input, on a machine that may be busy
IN_C = ("HDF5", "LevelDB", "image files", "encoded")  # coverage of Python says little about these
SLOW = ("LevelDB", "HDF5")  # get a third of the inputs of others


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of all readers together")
    parser.add_argument("--reader", action="append", choices=sorted(READERS), help="default: all")
    parser.add_argument("--engine", choices=["atheris", "own"], help="default: as said above")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--found",
        type=Path,
        default=Path(tempfile.gettempdir(), "fuzz_found"),
        help="folder of findings (%(default)s)",
    )
    parser.add_argument("--report", type=Path, help="write the report here, not to the terminal")
    parser.add_argument("--log", type=Path, help="append each reader's result; skip those in it")
    parser.add_argument("--replay", type=Path, help="run the findings in this folder again")
    parser.add_argument("--verbose", action="store_true", help="show what the workers print")
    args = parser.parse_args()
    if args.replay:
        return replay(args.replay)
    readers = args.reader or list(READERS)
    weights = {name: 1 if name.startswith(SLOW) else 3 for name in readers}
    done = _logged(args.log)
    for name in readers:
        if name not in done:
            count = -(-args.inputs * weights[name] // sum(weights.values()))
            done[name] = fuzz(name, count, args)
            line = json.dumps(done[name])
            print(line, file=sys.stderr, flush=True)
            if args.log:
                with open(args.log, "a") as log:
                    log.write(line + "\n")
    rows = [done[name] for name in readers]
    text = report(rows, args)
    if args.report:
        args.report.write_text(text)
    else:
        print(text, end="")
    return int(any(row["findings"] for row in rows))


def _logged(log: Path | None) -> dict[str, dict[str, Any]]:
    """Results by reader of an earlier run that ended before its time."""
    lines = log.read_text().splitlines() if log and log.exists() else []
    return {row["reader"]: row for row in map(json.loads, lines)}


def fuzz(name: str, count: int, args: argparse.Namespace) -> dict[str, Any]:
    """Run `count` inputs in worker processes, a new one after each that ended early."""
    installed = importlib.util.find_spec("atheris") is not None
    engine = args.engine or ("atheris" if installed and not name.startswith(IN_C) else "own")
    start, killed = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        record = Record(Path(folder, "record"))
        done, refused, findings, worst = 0, 0, 0, 0.0
        while done < count:
            settings = {
                "reader": name,
                "record": str(Path(folder, "record")),
                "found": str(args.found.resolve()),
                "engine": engine,
                "seed": args.seed + killed,
                "verbose": args.verbose,
                "start": done,
                "stop": count,
                "resume": [done, refused, findings, worst],
            }
            ended = _watch(settings, record)
            before = done
            done, refused, findings, worst, data = record.get()
            if ended is None and done < count and engine == "atheris" and done > before:
                break  # libFuzzer counts its first inputs otherwise
            if done < count:
                killed += 1
                findings += 1
                done += 1
                record.put(done, refused, findings, worst)
                save_finding(args.found, name, data, ended or "the process ended")
            if killed > 50:
                break
    seconds = time.monotonic() - start
    return {
        "reader": name,
        "engine": engine,
        "inputs": done,
        "refused": refused,
        "findings": findings,
        "worst": worst,
        "seconds": seconds,
    }


def _watch(settings: dict[str, Any], record: Record) -> str | None:
    """Wait for a worker; what ended it before its time, or None."""
    command = [sys.executable, "-m", "tools.fuzzing.worker", json.dumps(settings)]
    process = subprocess.Popen(command, cwd=ROOT)
    last, since = -1, time.monotonic()
    while True:
        try:
            code = process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            done = record.get()[0]
            if done != last:
                last, since = done, time.monotonic()
            elif time.monotonic() - since > HANG:
                process.kill()
                process.wait()
                return f"no end after {HANG} s"
            continue
        return f"the process ended with code {code}{_last_output(settings)}" if code else None


def _last_output(settings: dict[str, Any]) -> str:
    path = Path(settings["record"] + ".output")
    return "\n" + path.read_text(errors="replace")[-3000:] if path.exists() else ""


def replay(folder: Path) -> int:
    """Run the inputs of a folder of findings again, in this process."""
    failed = 0
    for note in sorted(folder.glob("*.txt")):
        name = note.read_text().partition("\n")[0]
        with tempfile.TemporaryDirectory() as scratch:
            record, found = Record(Path(scratch, "record")), Path(scratch, "found")
            worker = Worker(name, record, found, [0, 0, 0, 0.0])
            worker.run(note.with_suffix("").read_bytes())
            for text in found.glob("*.txt"):
                failed += 1
                print(f"{note.stem}: {text.read_text()}")
    return int(failed > 0)


def report(rows: list[dict[str, Any]], args: argparse.Namespace) -> str:
    total = sum(row["inputs"] for row in rows)
    found = sum(row["findings"] for row in rows)
    worst = max(rows, key=lambda row: row["worst"])
    kept = len(list((ROOT / "tests" / "corpus").glob("*.txt")))
    lines = [
        "# Fuzzing of the readers",
        "",
        f"By `python tools/fuzz.py --inputs {args.inputs} --seed {args.seed}`, whose help says "
        "what an input and a finding are.",
        "",
        f"{datetime.date.today()}, {processor_name()}, one process, Python "
        f"{platform.python_version()}.",
        f"{total:,} inputs, {found} findings; the slowest took {worst['worst']:.2f} s of processor "
        f"time ({worst['reader']}).",
        f"Bounds on each input: {SECONDS:g} s, and {MEGABYTES} MiB plus twice its size.",
        f"What earlier runs and tests found is in tests/corpus: {kept} inputs, run by the suite.",
        "",
        "| reader | mutations | inputs | refused | worst time, s | findings |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['reader']} | {row['engine']} | {row['inputs']:,} | {row['refused']:,} | "
            f"{row['worst']:.3f} | {row['findings']} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
