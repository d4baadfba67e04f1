"""What --gpu means, and what device_query tells of a GPU, on a CuPy that is not there."""

import re

import pytest

from caffe_lite.cli import main, options
from caffe_lite.errors import BackendError, UsageError
from tests.backend.standin import cudnn_module
from tests.backend.standin.cupy_module import Device, installed


@pytest.mark.parametrize(("gpu", "number"), [(None, None), ("none", None), ("0", 0), ("3", 3)])
def test_which_device(gpu, number):
    assert options.device(gpu) == number


def test_all_are_one(monkeypatch):
    with installed():
        assert options.device("all") == 0
        monkeypatch.setattr(Device, "count", 2)
        with pytest.raises(UsageError, match="one device at a time, this machine has 2"):
            options.device("all")


def test_all_are_none(monkeypatch):
    monkeypatch.setattr(Device, "count", 0)
    with installed(), pytest.raises(BackendError, match="driver reports: cudaErrorNoDevice"):
        options.device("all")


@pytest.mark.parametrize(("setting", "told"), [("1", "all"), ("0", "none"), ("", "convolution")])
def test_device_query(monkeypatch, capsys, setting, told):
    monkeypatch.setenv("CUPY_TF32", setting)
    monkeypatch.setattr(Device, "count", 2)
    with installed():
        assert main(["device_query"]) == 0
    shown = capsys.readouterr().out
    assert re.findall(r"^tf32: +(\w+)", shown, re.M) == [told] * 2
    assert re.findall(r"^id: +(\d)", shown, re.M) == ["0", "1"]


def test_device_query_tells_of_cudnn(capsys):
    with installed():
        assert main(["device_query", "--gpu", "0"]) == 0
    assert "extra cudnn13 or cudnn12" in capsys.readouterr().out
    with installed(), cudnn_module.installed():
        assert main(["device_query", "--gpu", "0"]) == 0
    assert re.search(r"^cudnn: +9\.27\.0", capsys.readouterr().out, re.M)
