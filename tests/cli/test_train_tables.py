"""What train records for other programs: --csv, --tensorboard, and the live line."""

import csv
import io
import logging
import os
import re
import struct

import pytest

from caffe_lite import get_ops
from caffe_lite.cli import main
from caffe_lite.cli.csv_log import CsvLog
from caffe_lite.cli.event_log import EventLog
from caffe_lite.cli.log import LiveHandler
from caffe_lite.cli.log_output import LogOutput
from caffe_lite.cli.solver_log import SolverLog, images_per_iteration
from caffe_lite.cli.tensorboard_log import TensorBoardLog, masked_crc
from caffe_lite.proto import schema, text
from caffe_lite.solvers import events as ev
from caffe_lite.solvers import get_solver


def train(*options):
    return main(["train", "--solver", "solver.prototxt", *options])


def rows(path="table.csv"):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def places(found):
    return [(int(row["iteration"]), row["phase"]) for row in found]


EVERY = [
    *((0, "test"), (0, "train"), (5, "train"), (10, "test"), (10, "train")),
    *((15, "train"), (20, "test"), (20, "train")),
]


def test_a_row_for_each_display_and_test(job):
    assert train("--csv", "table.csv", "--log-dir", "logs") == 0
    found = rows()
    assert places(found) == EVERY
    first, second = found[0], found[1]
    assert list(first) == [
        *("iteration", "phase", "seconds", "accuracy", "loss", "mean_loss", "learning_rate")
    ]
    assert 0 <= float(first["accuracy"]) <= 1 and first["learning_rate"] == ""
    assert float(second["learning_rate"]) == pytest.approx(0.1) and second["accuracy"] == ""
    log = (job.path / "logs" / "train.log").read_text()
    shown = re.findall(r"Iteration \d+ \(.*, loss = (\S+)", log)
    losses = [f"{float(row['mean_loss']):g}" for row in found if row["phase"] == "train"]
    assert losses == shown
    seconds = [float(row["seconds"]) for row in found]
    assert seconds == sorted(seconds)


def test_a_table_goes_on_where_the_run_does(job, capsys):
    assert train("--csv", "table.csv") == 0
    whole = rows()
    with open("table.csv", "a") as file:
        file.write("24,tr")  # a run that was killed
    assert train("--csv", "table.csv") == 2
    assert "--csv table.csv: exists already; remove it" in capsys.readouterr().err
    assert train("--csv", "table.csv", "--snapshot", "small_iter_10.solverstate") == 0
    found = rows()
    assert places(found) == EVERY and list(found[0]) == list(whole[0])
    assert [row["loss"] for row in found] == [row["loss"] for row in whole]  # bit for bit
    assert float(found[3]["seconds"]) >= float(whole[2]["seconds"])


@pytest.mark.parametrize("content", ["name: 1\n", "\0" * 200_000])
def test_no_other_file_is_written_over(content, job, capsys):
    (job.path / "other").write_text(content)
    assert train("--csv", "other", "--resume") == 2
    assert "--csv other: is not a table of --csv" in capsys.readouterr().err
    assert (job.path / "other").read_text() == content
    assert train("--csv", "none/table.csv") == 2
    assert "--csv: none/table.csv: No such file or directory" in capsys.readouterr().err
    assert train("--tensorboard", "other") == 2
    assert "--tensorboard: other: File exists" in capsys.readouterr().err


def output(name, value):
    return ev.Output(0, name, value, 0.0)


def displayed(iteration, *outputs):
    return ev.IterationDisplayed(iteration, 1.5, 0.25, outputs, 5, 5, 1.0)


@pytest.fixture
def logged(caplog, monkeypatch):
    """The package's messages, wherever commands before sent them."""
    monkeypatch.setattr(logging.getLogger("caffe_lite"), "propagate", True)
    return caplog


def test_columns_that_come_later(tmp_path):
    path = str(tmp_path / "table.csv")
    table = CsvLog(path, False)
    table(ev.SolvingStarted("net", "fixed", 0, 10))
    table(displayed(0, output("seconds", 3.0)))
    outputs = (output("a", 1.0), output("a", float("nan")), output("b, c", 2.0))
    table(ev.TestDone(5, 1, 2, 0.1, outputs, 0.5))
    table(ev.IterationDone(6))
    table.close()
    first, second = rows(path)
    assert (first["seconds_"], first["a[0]"]) == ("3.0", "")
    assert (second["phase"], second["a[0]"], second["a[1]"]) == ("test 1", "1.0", "nan")
    assert (second["b, c"], second["mean_loss"]) == ("2.0", "0.5")


def test_a_table_that_vanishes_does_not_end_the_training(tmp_path, logged):
    path = str(tmp_path / "table.csv")
    table = CsvLog(path, False)
    table(displayed(0))
    os.remove(path)
    table(displayed(5, output("new", 1.0)))
    table(displayed(10))
    (record,) = logged.records
    assert record.message.startswith(f"{path}: cannot be written: ")
    assert record.message.endswith("No such file or directory; it ends here")
    assert not os.path.exists(path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a file that is always full")
def test_a_full_disk_ends_the_file(logged):
    file = LogOutput("/dev/full", "--csv")
    file.write(b"x")
    file.write(b"y")
    (record,) = logged.records
    assert record.message == "/dev/full: cannot be written: No space left on device; it ends here"


def events_in(folder):
    """(step, {tag: value}) of each record; lengths and checksums are checked."""
    (name,) = os.listdir(folder)
    assert name.startswith("events.out.tfevents.")
    with open(os.path.join(folder, name), "rb") as file:
        while head := file.read(12):
            length, check = struct.unpack("<QI", head)
            assert check == masked_crc(head[:8])
            message = file.read(length)
            assert struct.unpack("<I", file.read(4))[0] == masked_crc(message)
            yield message


def test_checksums():
    # RFC 3720 appendix B.4: CRC-32C of 32 zeros and of 0 to 31 is 8a9136aa and 46dd794e.
    for data, crc in ((bytes(32), 0x8A9136AA), (bytes(range(32)), 0x46DD794E)):
        masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32
        assert masked_crc(data) == masked


def test_tensorboard_reads_the_numbers(tmp_path):
    board = TensorBoardLog(str(tmp_path / "new" / "board"))
    board(displayed(300, output("loss", 1e300)))
    board(ev.IterationDone(6))
    board.close()
    version, numbers = events_in(tmp_path / "new" / "board")
    assert version[:1] == b"\x09" and version[9:] == b"\x1a\x0dbrain.Event:2"

    def value(tag, number):
        body = b"\x0a" + bytes([len(tag)]) + tag + b"\x15" + struct.pack("<f", number)
        return b"\x0a" + bytes([len(body)]) + body

    summary = value(b"train/mean_loss", 1.5) + value(b"train/learning_rate", 0.25)
    summary += value(b"train/loss", float("inf"))  # a float has no 1e300
    assert numbers[9:] == b"\x10\xac\x02\x2a" + bytes([len(summary)]) + summary


def test_train_writes_events_for_tensorboard(job):
    assert train("--tensorboard", "board") == 0
    version, *others = events_in("board")
    assert len(others) == len(EVERY)
    assert b"test/accuracy" in others[0] and b"train/learning_rate" in others[1]


SOLVER = """
base_lr: 0.1 lr_policy: "fixed" max_iter: 100 iter_size: 3
net_param {
  layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { %s } } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
          inner_product_param { num_output: 2 } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "ip" top: "loss" }
}
"""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("dims", "images", "unit"),
    [("dim: 7 dim: 3 dim: 4 dim: 5", 21, "images/s"), ("dim: 7 dim: 3", 0, "iter/s")],
)
def test_the_live_line_has_the_speed(dims, images, unit):
    param = text.parse(SOLVER % dims, schema.SolverParameter)
    live = LiveHandler(Terminal())
    shown = SolverLog(live, EventLog(None, "train"), 100)
    with get_solver(param, get_ops()) as solver:
        shown.solver = solver
        assert images_per_iteration(solver) == images
        shown(displayed(0))
        shown(ev.IterationDone(1))
        shown._shown = 0.0
        shown(ev.IterationDone(2))
    line = live.stream.getvalue().rpartition("\x1b[K")[2]
    number = r"[\d.e+]+"
    assert re.fullmatch(
        rf"iteration 2 of 100  loss 1.5  lr 0.25  {number} {unit}  \d+:\d\d left", line
    )
