"""Native code: compiled once, never required, and the same numbers for any number of threads."""

import logging
import os
import subprocess
import sys
import threading

import numpy
import pytest

from caffe_lite.backend import get_ops, native
from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native import build, packaged
from caffe_lite.backend.native.ops import NativeOps
from caffe_lite.backend.processors import thread_count
from tests.backend.cpu import make_ops
from tests.backend.native_results import results


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """An empty cache folder, no library from a wheel, and nothing loaded yet."""
    monkeypatch.setattr(packaged, "PATH", tmp_path / "none.so")
    for name in ("CAFFE_LITE_NATIVE", "CAFFE_LITE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    native._load.cache_clear()
    yield tmp_path
    native._load.cache_clear()


@pytest.mark.compiler
def test_compiles_once_and_loads_from_the_cache(fresh):
    make_ops("native", "float32")
    (made,) = fresh.rglob("*.so")
    before = made.stat().st_mtime_ns
    native._load.cache_clear()
    assert type(get_ops()) is NativeOps
    assert [p.stat().st_mtime_ns for p in fresh.rglob("*") if p.is_file()] == [before]


def test_the_fingerprint_depends_on_element_type_flags_and_compiler(monkeypatch, tmp_path):
    compiler = tmp_path / "cc"
    compiler.write_text("one")
    names = {build._fingerprint(str(compiler), e) for e in ("float", "double", "float")}
    assert len(names) == 2
    compiler.write_text("another")
    names.add(build._fingerprint(str(compiler), "float"))
    monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "-DX"))
    names.add(build._fingerprint(str(compiler), "float"))
    assert len(names) == 4


def test_switched_off(monkeypatch):
    monkeypatch.setenv("CAFFE_LITE_NATIVE", "0")
    assert type(get_ops()) is NumpyOps


def failing_compiler(folder):
    compiler = folder / "cc"
    compiler.write_text("#!/bin/sh\necho no such thing >&2\nexit 1\n")
    compiler.chmod(0o755)
    return compiler


@pytest.mark.parametrize(
    "trouble", ["no compiler", "failing compiler", "no cache folder", "no cache wanted"]
)
def test_any_trouble_leaves_numpy_in_charge(fresh, monkeypatch, caplog, trouble):
    if trouble == "no compiler":
        monkeypatch.setattr(build, "COMPILERS", ("no-such-compiler",))
    elif trouble == "failing compiler":
        monkeypatch.setattr(build, "COMPILERS", (str(failing_compiler(fresh)),))
    elif trouble == "no cache wanted":
        monkeypatch.setenv("CAFFE_LITE_CACHE", "")
    else:
        (fresh / "file").write_text("")
        monkeypatch.setenv("XDG_CACHE_HOME", str(fresh / "file"))
    with caplog.at_level(logging.DEBUG, "caffe_lite"):
        assert type(get_ops()) is NumpyOps
        assert type(get_ops()) is NumpyOps
    assert len(caplog.records) == 1 and caplog.records[0].levelno == logging.DEBUG
    assert not list(fresh.rglob("*.so")) and not list(fresh.rglob("build-*"))


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip


def test_import_loads_nothing():
    done = run_python(
        "import sys, caffe_lite.backend as b; "
        "print([m for m in sys.modules if 'native' in m and 'caffe_lite' in m])"
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_do_not_change_a_bit(dtype):
    library = make_ops("native", dtype).library
    found = []
    try:
        for threads in (1, 2, 3, 8, 2):
            library.without_gil.pool_configure(threads)
            found.append(results(NativeOps(library, dtype)))
    finally:
        library.without_gil.pool_configure(thread_count())
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            numpy.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["numpy", "native"])
def test_runs_are_equal_bit_for_bit(kind):
    for a, b in zip(*(results(make_ops(kind, "float32")) for _ in range(2)), strict=True):
        numpy.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["numpy", "native"])
def test_two_callers_at_once(kind):
    """Backends in two threads share the pool: one of them works alone meanwhile."""
    wanted = results(make_ops(kind, "float32"))
    found = [None, None]

    def call(i):
        ops = make_ops(kind, "float32")
        for _ in range(4):
            found[i] = results(ops)

    callers = [threading.Thread(target=call, args=(i,)) for i in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for some in found:
        for a, b in zip(some, wanted, strict=True):
            numpy.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("switch", ["0", "1"])
def test_a_forked_child_has_threads_of_its_own(switch):
    done = run_python(
        "import os, numpy, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "from caffe_lite.backend import get_ops\n"
        "ops = get_ops(); a = numpy.ones((700, 700), 'float32'); out = numpy.empty_like(a)\n"
        "ops.gemm(a, a, out)\n"
        "child = os.fork()\n"
        "out[...] = 0; ops.gemm(a, a, out)\n"
        "if not child: os._exit(0 if (out == 700).all() else 1)\n"
        "print(os.waitpid(child, 0)[1], (out == 700).all())",
        CAFFE_LITE_NATIVE=switch,
        CAFFE_LITE_THREADS="3",
    )
    assert done.stdout.split() == ["0", "True"], done.stderr
