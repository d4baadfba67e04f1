"""tools/gpu_check.py on the stand-in: every section runs and finds nothing."""

import json

import pytest

from tests.backend.standin.cupy_module import installed
from tools import gpu_check
from tools.gpu import report
from tools.gpu.context import Context


@pytest.mark.slow
@pytest.mark.parametrize("name", gpu_check.SECTIONS)
def test_section(name):
    with installed():
        context = Context(0, small=True)
        gpu_check.run_section(context, name)
    assert [f"{check.name}: {check.detail}" for check in context.failures] == []
    (section,) = context.sections
    assert section.checks or section.measurements


def test_report(tmp_path, capsys):
    with installed():
        status = gpu_check.main(["--small", "--only", "ceilings", "--out", str(tmp_path)])
    assert status == 0
    found = json.loads((tmp_path / "gpu_host_stand-in.json").read_text())
    assert found["device"]["name"] == "Host stand-in"
    page = (tmp_path / "gpu_host_stand-in.md").read_text()
    assert "| ceilings | 0 | 0 |" in page
    assert f"| all | 0 | 0 | {found['seconds']:.1f} |" in page
    assert "## Ceilings" in page
    assert "copy, read and written" in page
    assert "written:" in capsys.readouterr().out


def test_a_disagreement_is_reported(monkeypatch, tmp_path, capsys):
    def disagree(context):
        context.check("one", True)
        context.check("two", False, "off by 3")

    def break_down(context):
        raise ValueError("out of order")

    monkeypatch.setitem(gpu_check.SECTIONS, "layers", disagree)
    monkeypatch.setitem(gpu_check.SECTIONS, "recorded", break_down)
    with installed():
        arguments = ["--small", "--only", "layers", "recorded", "--out", str(tmp_path)]
        status = gpu_check.main(arguments)
    assert status == 1
    printed = capsys.readouterr().out
    assert "FAILED two: off by 3" in printed
    assert "FAILED recorded ran to the end: ValueError: out of order" in printed
    page = (tmp_path / "gpu_host_stand-in.md").read_text()
    assert "- two: off by 3" in page


def test_a_table_has_a_column_for_each_comparison():
    with installed():
        context = Context(0, small=True)
    context.begin("speed")
    context.measure("a", 1.0, "ms")
    context.measure("b", 2.0, "ms", ratio=0.5)
    lines = report._table(context.sections[0].measurements)
    assert lines[0] == "| what | measured | ratio |"
    assert lines[2:] == ["| a | 1 ms |  |", "| b | 2 ms | 0.5 |"]
