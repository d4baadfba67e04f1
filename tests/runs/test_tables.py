"""The two CSV files of a log, equal to those that Caffe's parse_log.py wrote for it."""

import csv

import pytest

from caffe_lite.cli import main
from caffe_lite.runs.tables import read_tables
from tests.runs.logs import LOG, TEST, TRAIN


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "caffe log.INFO"
    path.write_text(LOG)
    return path


def test_equal_to_caffes(log, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    assert main(["parse_log", str(log), str(tmp_path / "out"), "--verbose"]) == 0
    for name, rows in (("train", TRAIN), ("test", TEST)):
        path = tmp_path / "out" / f"caffe log.INFO.{name}"
        assert path.read_bytes() == rows.replace("\n", "\r\n").encode()
        assert f"Wrote {path}\n" in capsys.readouterr().out or name == "test"


def test_another_delimiter(log, tmp_path):
    assert main(["parse_log", str(log), str(tmp_path), "--delimiter", ";"]) == 0
    with open(f"{log}.test", newline="") as file:
        assert list(csv.reader(file, delimiter=";"))[2] == ["20.0", "23.5", "0.005", "0.75", "0.5"]


def test_dates_with_a_year(log):
    without = read_tables(log)
    text = log.read_text().replace("I1231", "I20231231").replace("I0101", "I20240101")
    log.write_text(text)
    assert read_tables(log) == without


def test_the_29th_of_february_of_another_year(log):
    log.write_text(LOG.replace("1231 ", "0229 ").replace("0101 ", "0301 "))
    assert [row["Seconds"] for row in read_tables(log)[0]] == [2.50001, 12.50001]


def test_a_run_with_no_test_and_one_display(tmp_path, capsys):
    path = tmp_path / "short.log"
    path.write_text("".join(LOG.splitlines(True)[:5] + LOG.splitlines(True)[8:11]))
    assert main(["parse_log", str(path), str(tmp_path), "--verbose"]) == 0
    assert capsys.readouterr().out.count("no lines to write") == 2  # as with Caffe's script
    assert [each.name for each in tmp_path.iterdir()] == ["short.log"]


@pytest.mark.parametrize(
    ("content", "options", "code", "message"),
    [
        (b"", [], 1, 'x.log: no line "... Solving ..." with a time; not a log of a training'),
        (b"\x00\xff Solving\n", [], 1, 'no line "... Solving ..." with a time'),
        (None, [], 1, "x.log: no such file"),
        (LOG.encode(), ["--delimiter", "ab"], 2, "--delimiter 'ab': expected one character"),
    ],
)
def test_what_is_no_log(content, options, code, message, tmp_path, capsys):
    if content is not None:
        (tmp_path / "x.log").write_bytes(content)
    assert main(["parse_log", str(tmp_path / "x.log"), str(tmp_path), *options]) == code
    assert message in capsys.readouterr().err
    assert main(["parse_log", str(tmp_path / "x.log"), str(tmp_path / "none")]) == 2
    assert "none: no such folder; make it first" in capsys.readouterr().err
