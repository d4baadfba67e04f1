"""pycaffe's settings and answers about the process: logs, stopwatch, one solver on one device."""

import logging
import re

import pytest

import caffe_lite.pycaffe as caffe
from caffe_lite.errors import BackendError
from caffe_lite.pycaffe import glog, mode


@pytest.fixture
def logger():
    logger = logging.getLogger("caffe_lite")
    handlers, level = list(logger.handlers), logger.level
    logger.handlers.clear()  # the command line's, where its tests ran before
    yield logger
    logger.handlers[:], glog._handler = handlers, None
    logger.setLevel(level)


def test_the_log_is_laid_out_as_that_of_caffe(logger, capsys):
    caffe.init_log()
    caffe.log("so far")
    logging.getLogger("caffe_lite.net").warning("look")
    lines = capsys.readouterr().err.splitlines()
    glog_line = r"[IW]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ \w+\.cpp:\d+\] (.*)"
    assert [re.fullmatch(glog_line, line)[1] for line in lines] == ["so far", "look"]
    assert [line[0] for line in lines] == ["I", "W"]


def test_levels_and_silence(logger, capsys):
    caffe.init_log(1)
    caffe.init_log(1)
    caffe.log("no")
    logger.warning("once")
    assert capsys.readouterr().err.count("once") == 1
    caffe.init_log(0, False)
    caffe.log("no")
    assert "no" not in capsys.readouterr().err


def test_one_solver_on_one_device():
    assert (caffe.has_nccl(), caffe.solver_count(), caffe.solver_rank()) == (False, 1, 0)
    caffe.set_solver_count(1)
    caffe.set_solver_rank(0)
    caffe.set_multiprocess(False)
    for act in (
        lambda: caffe.set_solver_count(2),
        lambda: caffe.set_solver_rank(1),
        lambda: caffe.set_multiprocess(True),
        lambda: caffe.NCCL(None, b""),
        lambda: caffe.NCCL.new_uid(),
    ):
        with pytest.raises(BackendError, match="in one process on one device"):
            act()


@pytest.fixture
def one_gpu(monkeypatch):
    """A machine with the GPU 1 and no other; the mode is as it was afterwards."""

    def get_ops(device=None):
        if device in (None, 1):
            return device
        raise BackendError(f"no GPU {device}")

    monkeypatch.setattr(mode, "get_ops", get_ops)
    monkeypatch.setattr(logging.getLogger("caffe_lite"), "propagate", True)
    for name in ("_cpu_only", "_wants_gpu", "_device", "_wanted_device"):
        monkeypatch.setattr(mode, name, getattr(mode, name))


def test_the_gpu_mode_without_a_gpu_warns_and_runs_on_the_cpu(one_gpu, caplog):
    caffe.set_device(0)
    assert caplog.messages == []
    caffe.set_mode_gpu()
    assert mode.current_ops() is None
    assert caplog.messages == ["set_mode_gpu: no GPU 0; using the CPU"]
    caffe.set_device(1)
    assert mode.current_ops() == 1
    caffe.set_device(2)
    assert mode.current_ops() is None and len(caplog.messages) == 2
    caffe.set_mode_cpu()
    caffe.set_device(1)
    assert mode.current_ops() is None


def test_cpu_only_outlasts_the_gpu_mode(one_gpu, caplog):
    mode.use_cpu_only()
    caffe.set_device(1)
    caffe.set_mode_gpu()
    assert mode.current_ops() is None and caplog.messages == []


def test_the_stopwatch_counts_milliseconds(monkeypatch):
    now = iter([2.0, 2.5])
    monkeypatch.setattr(caffe.Timer, "_now", staticmethod(lambda: next(now)))
    timer = caffe.Timer()
    timer.start()
    timer.stop()
    assert timer.ms == 500
    monkeypatch.undo()
    timer.start()
    timer.stop()
    assert 0 <= timer.ms < 500


def test_every_public_name_is_there():
    assert all(getattr(caffe, name) is not None for name in caffe.__all__)
    assert caffe.__version__ == "1.0.0"
