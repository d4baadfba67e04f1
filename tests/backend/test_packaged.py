"""The library that a platform wheel contains, where the installed package has it."""

import ctypes

import numpy
import pytest

from caffe_lite.backend import get_ops, native
from caffe_lite.backend.cpu.ops import NumpyOps
from caffe_lite.backend.native import Library, build, packaged
from caffe_lite.backend.native.ops import NativeOps
from caffe_lite.backend.processors import thread_count
from tests.backend.native_results import results
from tools.native_wheel.tags import platform_tag

LEVELS = ("baseline", "avx2", "avx512")
each_type = pytest.mark.parametrize("dtype", ["float32", "float64"])
needs_wheel = pytest.mark.skipif(
    not packaged.PATH.exists(), reason="caffe_lite is not installed from a platform wheel"
)


def packaged_ops(dtype, level):
    element = native.ELEMENTS[dtype]
    library = Library(str(packaged.PATH), thread_count(), f"{element}_{level}_")
    return NativeOps(library, dtype)


def best_level():
    return packaged.prefix("float").split("_")[1]


@needs_wheel
@each_type
def test_it_is_used_before_anything_is_compiled(dtype, monkeypatch):
    monkeypatch.setattr(build, "library", lambda element: pytest.fail("it compiled"))
    native._load.cache_clear()
    ops = get_ops(dtype=dtype)
    assert type(ops) is NativeOps
    assert ops.library.origin == f"packaged for {best_level()}"


@needs_wheel
@each_type
@pytest.mark.parametrize("level", LEVELS)
def test_every_level_that_runs_here_gives_the_numbers_of_numpy(dtype, level):
    if LEVELS.index(level) > LEVELS.index(best_level()):
        pytest.skip(f"this processor has no {level}")
    tolerance = 1e-4 if dtype == "float32" else 1e-12
    wanted = results(NumpyOps(dtype))
    for got, want in zip(results(packaged_ops(dtype, level)), wanted, strict=True):
        error = numpy.abs(got - want).max()
        assert error <= tolerance * numpy.abs(want).max()


@needs_wheel
@each_type
@pytest.mark.compiler
def test_the_library_compiled_here_gives_the_same_bits(dtype):
    compiled = Library(str(build.library(native.ELEMENTS[dtype])), thread_count())
    wanted = results(NativeOps(compiled, dtype))
    for got, want in zip(results(packaged_ops(dtype, best_level())), wanted, strict=True):
        numpy.testing.assert_array_equal(got, want)


@needs_wheel
def test_levels_have_functions_of_their_own():
    handle = ctypes.CDLL(str(packaged.PATH))
    names = [f"{e}_{level}_gemm" for e in native.ELEMENTS.values() for level in LEVELS]
    addresses = {ctypes.cast(getattr(handle, name), ctypes.c_void_p).value for name in names}
    assert len(addresses) == 6
    assert not hasattr(handle, "gemm") and not hasattr(handle, "parallel")


def test_a_packaged_library_that_does_not_load_is_reported(monkeypatch, tmp_path, caplog):
    broken = tmp_path / "library.so"
    broken.write_text("no library")
    monkeypatch.setattr(packaged, "PATH", broken)
    monkeypatch.setattr(build, "COMPILERS", ("no-cc",))
    native._load.cache_clear()
    assert native.load("float32") is None
    native._load.cache_clear()
    (record,) = [each for each in caplog.records if each.levelname == "WARNING"]
    assert str(broken) in record.message and "does not load" in record.message
    assert "\n" not in record.message


HEADERS = """
  NEEDED               {library}
  NEEDED               libc.so.6

Version References:
  required from libc.so.6:
    0x09691a75 0x00 03 GLIBC_2.2.5
    0x069691b4 0x00 02 {version}
"""


@pytest.mark.parametrize(
    ("library", "version", "tag"),
    [
        ("libm.so.6", "GLIBC_2.34", "manylinux_2_34_x86_64"),
        ("libm.so.6", "GLIBC_2.3.4", "manylinux_2_3_x86_64"),
        ("libgomp.so.1", "GLIBC_2.34", "linux_x86_64"),
        ("libm.so.6", "GLIBC_ABI_DT_RELR", "linux_x86_64"),
        ("libm.so.6", "GLIBC_PRIVATE", "linux_x86_64"),
    ],
)
def test_the_tag_follows_from_what_the_library_needs(library, version, tag):
    assert platform_tag(HEADERS.format(library=library, version=version), "x86_64") == tag


def test_without_glibc_nothing_is_claimed():
    headers = "  NEEDED               libc.musl-x86_64.so.1\n"
    assert platform_tag(headers, "x86_64") == "linux_x86_64"
    assert platform_tag("", "x86_64") == "linux_x86_64"
