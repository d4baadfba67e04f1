"""caffe_lite train: its log, its events, its files, and runs that go on."""

import json
import logging
import os
import re

import pytest

from caffe_lite.cli import main
from caffe_lite.cli.log import start_log

PREFIX = r"I\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ "


def train(capsys, *options):
    assert main(["train", "--solver", "solver.prototxt", *options]) == 0
    return capsys.readouterr().err


def messages(log):
    """Messages without time and place, the speed of the machine left out."""
    lines = (re.sub(rf"^{PREFIX}\w+\.cpp:\d+\] ", "", line) for line in log.splitlines())
    return [re.sub(r"\(.* iter/s, .*s/", "(", line) for line in lines]


def test_the_log_reads_as_caffes(job, capsys):
    log = train(capsys)
    assert re.search(rf"^{PREFIX}caffe\.cpp:\d+\] Use CPU\.$", log, re.M)
    number = r"-?[\d.]+(?:e-\d+)?"
    for pattern in (
        r"solver\.cpp:\d+\] Creating training net from net file: net\.prototxt",
        r"solver\.cpp:\d+\] Creating test net \(#0\) specified by net file: net\.prototxt",
        r"net\.cpp:\d+\] ip1 <- data",
        r"solver\.cpp:\d+\] Solver scaffolding done\.",
        r"caffe\.cpp:\d+\] Starting Optimization",
        r"solver\.cpp:\d+\] Solving small",
        r"solver\.cpp:\d+\] Learning Rate Policy: step",
        r"solver\.cpp:\d+\] Iteration 0, Testing net \(#0\)",
        rf"solver\.cpp:\d+\]     Test net output #0: accuracy = {number}",
        rf"solver\.cpp:\d+\]     Test net output #1: loss = ({number}) \(\* 1 = \1 loss\)",
        rf"solver\.cpp:\d+\] Iteration 0 \({number} iter/s, {number}s/5 iters\), loss = {number}",
        rf"solver\.cpp:\d+\] Iteration 5 \({number} iter/s, {number}s/5 iters\), loss = {number}",
        rf"solver\.cpp:\d+\]     Train net output #0: loss = ({number}) \(\* 1 = \1 loss\)",
        r"sgd_solver\.cpp:\d+\] Iteration 5, lr = 0\.1",
        r"sgd_solver\.cpp:\d+\] Iteration 15, lr = 0\.05",
        r"solver\.cpp:\d+\] Snapshotting to binary proto file small_iter_10\.caffemodel",
        r"sgd_solver\.cpp:\d+\] Snapshotting solver state to binary proto file "
        r"small_iter_10\.solverstate",
        r"solver\.cpp:\d+\] Optimization Done\.",
        r"caffe\.cpp:\d+\] Optimization Done\.",
    ):
        assert re.search(f"^{PREFIX}{pattern}$", log, re.M), pattern
    assert "\n\n" not in log
    assert all((job.path / f"small_iter_{n}.caffemodel").exists() for n in (10, 20, 24))


MONTH_AND_DAY = r"(0[1-9]|1[0-2])[0-3]\d"


@pytest.mark.parametrize(
    ("variable", "flag", "date"),
    [
        (None, None, MONTH_AND_DAY),
        ("1", None, r"20\d\d" + MONTH_AND_DAY),
        ("0", "--log_year_in_prefix", r"20\d\d" + MONTH_AND_DAY),
        ("1", "-nolog_year_in_prefix", MONTH_AND_DAY),
    ],
)
def test_dates_have_a_year_only_when_asked(variable, flag, date, job, capsys, monkeypatch):
    if variable is not None:
        monkeypatch.setenv("GLOG_log_year_in_prefix", variable)
    lines = [line for line in train(capsys, *([flag] if flag else [])).splitlines() if "lr" in line]
    # Caffe's tools/extra/extract_seconds.py takes month and day from fixed columns.
    lines = [line for line in lines if "lr =" in line]
    assert len(lines) == 5
    for line in lines:
        assert re.match(rf"I{date} \d\d:\d\d:\d\d\.\d{{6}} ", line), line


def test_multistep_is_logged_between_the_outputs_and_the_rate(job, capsys):
    job.change("solver.prototxt", '"step"', '"multistep" stepvalue: 5 stepvalue: 7')
    lines = messages(train(capsys))
    at = lines.index("MultiStep Status: Iteration 5, step = 1")
    assert lines[at - 1].startswith("    Train net output #0: loss = ")
    assert lines[at + 1] == "Iteration 5, lr = 0.05"
    assert lines.count("MultiStep Status: Iteration 7, step = 2") == 1


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("GLOG_minloglevel", "0", "IWE"),
        ("GLOG_minloglevel", "1", "WE"),
        ("GLOG_minloglevel", "2", "E"),
        ("GLOG_v", "1", "DIWE"),
        ("GLOG_v", "0", "IWE"),
    ],
)
def test_the_environment_says_what_is_worth_a_line(variable, value, shown, capsys, monkeypatch):
    monkeypatch.setenv(variable, value)
    start_log()
    log = logging.getLogger("caffe_lite.solver")
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        log.log(level, "a line")
    lines = capsys.readouterr().err.splitlines()
    assert "".join(line[0] for line in lines) == shown
    assert all(re.search(r" solver\.cpp:\d+\] a line$", line) for line in lines)


def test_it_learns(job, capsys):
    log = train(capsys)
    accuracies = [float(value) for value in re.findall(r"accuracy = ([\d.]+)", log)]
    assert accuracies[-1] > 0.85 > accuracies[0]


@pytest.mark.parametrize(
    ("stop", "next_line"),
    [
        (10, "Iteration 15 (5 iters)"),
        (12, "Iteration 15 (5 iters)"),
        (18, "Iteration 20 (5 iters)"),
    ],
)
@pytest.mark.parametrize("format_", ["BINARYPROTO", "HDF5"])
def test_a_resumed_run_is_the_run_never_stopped(job, capsys, stop, next_line, format_):
    job.change("solver.prototxt", "random_seed", f"snapshot_format: {format_} random_seed")
    job.change("solver.prototxt", "snapshot: 10", f"snapshot: {stop}")
    suffix = ".h5" if format_ == "HDF5" else ""
    whole = messages(train(capsys))
    final = {
        kind: (job.path / f"small_iter_24.{kind}{suffix}").read_bytes()
        for kind in ("caffemodel", "solverstate")
    }
    resumed = messages(train(capsys, "--snapshot", f"small_iter_{stop}.solverstate{suffix}"))
    start = next(i for i, line in enumerate(whole) if line.startswith(next_line))
    tail = whole[start:]
    assert resumed[-len(tail) :] == tail
    if not suffix:
        for kind, content in final.items():
            assert (job.path / f"small_iter_24.{kind}").read_bytes() == content


def test_events_are_json_lines(job, capsys):
    train(capsys, "--log-dir", "logs")
    events = [
        json.loads(line) for line in (job.path / "logs" / "train.jsonl").read_text().splitlines()
    ]
    assert all({"event", "time"} <= event.keys() for event in events)
    shown = [event for event in events if event["event"] == "train"]
    assert [event["iteration"] for event in shown] == [0, 5, 10, 15, 20]
    assert {"loss", "learning_rate", "outputs", "seconds"} <= shown[0].keys()
    tests = [event for event in events if event["event"] == "test"]
    assert [event["iteration"] for event in tests] == [0, 10, 20]
    assert 0 <= tests[0]["outputs"]["accuracy"][0] <= 1
    assert [event["iteration"] for event in events if event["event"] == "snapshot"] == [10, 20, 24]
    assert events[-1]["event"] == "done" and not events[-1]["early"]
    assert "Optimization Done." in (job.path / "logs" / "train.log").read_text()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a file that is always full")
def test_a_full_disk_ends_the_log_and_not_the_training(job, capsys):
    (job.path / "logs").mkdir()
    for name in ("train.log", "train.jsonl"):
        (job.path / "logs" / name).symlink_to("/dev/full")
    log = train(capsys, "--log-dir", "logs")
    assert len(re.findall("cannot be written: No space left on device; it ends here", log)) == 2
    assert log.endswith("Optimization Done.\n") and "Error" not in log


def test_gflags_spellings_are_accepted(job, capsys):
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 2")
    assert (
        main(
            [
                "train",
                "-solver=solver.prototxt",
                "-gpu",
                "none",
                "-sigint_effect",
                "snapshot",
                "--sighup-effect=none",
                "-phase",
                "TRAIN",
                "-level",
                "0",
                "-stage",
                "a,b",
            ]
        )
        == 0
    )


def test_stages_reach_the_train_net(job, capsys):
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 1")
    job.change("net.prototxt", 'name: "relu"', 'name: "relu" include { stage: "extra" }')
    assert "Creating Layer relu" not in train(capsys)
    assert "Creating Layer relu" in train(capsys, "--stage", "extra,other", "--level", "1")


def test_weights_start_a_run(job, capsys):
    train(capsys)
    log = train(capsys, "--weights", "small_iter_24.caffemodel,small_iter_10.caffemodel")
    assert "Finetuning from small_iter_24.caffemodel" in log
    assert "weights of 2 layers copied" in log


def test_shipped_data_is_made_for_a_net_found_beside_its_solver(job, capsys):
    for name in ("train", "test"):
        job.change("net.prototxt", f'"{name}.txt"', f'"data/digits/{name}.txt"')
        (job.path / f"{name}.h5").unlink()
    job.change("net.prototxt", "num_output: 3", "num_output: 10")
    job.change("solver.prototxt", '"net.prototxt"', '"prototxt/digits/net.prototxt"')
    job.change("solver.prototxt", "max_iter: 24", "max_iter: 1")
    (job.path / "elsewhere").mkdir()
    for name in ("net.prototxt", "solver.prototxt"):
        (job.path / name).rename(job.path / "elsewhere" / name)
    assert main(["train", "--solver", "elsewhere/solver.prototxt"]) == 0
    log = capsys.readouterr().err
    assert "data/digits lacks data that the net reads; writing it" in log
    assert log.count("not found, using elsewhere/net.prototxt instead") == 1
    assert (job.path / "data" / "digits" / "train.txt").is_file()


def test_an_old_net_is_told_to_be_old_once(job, capsys):
    (job.path / "net.prototxt").write_text(
        'layers { name: "data" type: DUMMY_DATA top: "x" top: "y"'
        " dummy_data_param { num: 2 channels: 3 height: 1 width: 1"
        "                    num: 2 channels: 3 height: 1 width: 1 } }"
        'layers { name: "loss" type: EUCLIDEAN_LOSS bottom: "x" bottom: "y" top: "loss" }'
    )
    job.change("solver.prototxt", "test_iter: 3\ntest_interval: 10\n", "")
    assert train(capsys).count("net.prototxt: upgraded on the fly (V1 layers)") == 1


def test_resume_and_keep(job, capsys):
    first = messages(train(capsys, "--resume", "--keep", "2", "--keep-every", "10"))
    assert 'there is no snapshot under "small" yet: training from the start' in first
    states = sorted(path.name for path in job.path.glob("*.solverstate"))
    assert states == [f"small_iter_{n}.solverstate" for n in (10, 20, 24)]
    os.remove("small_iter_24.caffemodel")
    for options in (["--snapshot", "auto"], ["--resume"]):
        again = messages(train(capsys, *options))
        assert "Resuming from small_iter_20.solverstate, the newest whole snapshot" in again
        assert any(line.startswith("Restored iteration 20") for line in again)
        os.remove("small_iter_24.caffemodel")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--resume", "--snapshot", "x"], "give --resume for the newest snapshot or --snapshot"),
        (["--keep-every", "5"], "--keep-every only has an effect with --keep N"),
        (["--keep", "0"], "expected an integer of at least 1"),
    ],
)
def test_options_of_snapshots_that_contradict(job, capsys, given, says):
    try:
        assert main(["train", "--solver", "solver.prototxt", *given]) == 2
    except SystemExit as end:
        assert end.code == 2
    assert says in capsys.readouterr().err
