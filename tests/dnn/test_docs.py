"""The example of docs/from-opencv.md, run as it stands there."""

import re
from pathlib import Path

import pytest

from caffe_lite.cli import main
from caffe_lite.solvers import get_solver

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/from-opencv.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_the_example_prints_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prototxt").symlink_to(ROOT / "prototxt")
    assert main(["prepare", "digits"]) == 0
    get_solver("prototxt/digits/solver.prototxt").solve()
    capsys.readouterr()
    exec(compile(blocks("python")[1], "from-opencv.md", "exec"), {})  # noqa: S102
    shown = blocks("")[-1].splitlines()
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(shown) == 4
    # Processors differ in the last digits, and the net in some of its answers.
    assert float(printed[0].split()[-1]) > 0.97
    assert [line.split("0.99")[0] for line in printed] == [line.split("0.99")[0] for line in shown]
