"""The pool of Python threads behind the NumPy backend."""

import threading

import numpy
import pytest

from caffe_lite.backend.cpu.blas import openblas
from caffe_lite.backend.cpu.threads import Pool

needs_openblas = pytest.mark.skipif(openblas() is None, reason="NumPy without OpenBLAS: one thread")


@needs_openblas
@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_parts_cover_the_range_once(count):
    pool = Pool(3)
    seen, threads = numpy.zeros(count, int), set()

    def part(begin, end):
        seen[begin:end] += 1
        threads.add(threading.get_ident())

    for _ in range(5):
        pool.run(part, count, 10)
    assert (seen == 5).all(), "some element was not visited exactly once per run"
    assert len(threads) <= min(3, count)
    pool.run(part, 0, 10)


@needs_openblas
def test_errors_are_raised_after_all_parts_ended():
    pool = Pool(3)
    ended = []

    def part(begin, end):
        ended.append(begin)
        if begin:
            raise ZeroDivisionError(begin)

    with pytest.raises(ZeroDivisionError):
        pool.run(part, 3, 3)
    assert sorted(ended) == [0, 1, 2]
    pool.run(lambda begin, end: ended.append(begin), 3, 3)
    assert len(ended) == 6


@needs_openblas
def test_a_part_may_run_the_pool():
    pool = Pool(2)
    inner = []
    pool.run(lambda b, e: pool.run(lambda begin, end: inner.append((begin, end)), 4, 4), 2, 2)
    assert inner == [(0, 4), (0, 4)]


@needs_openblas
def test_warnings_are_silenced_in_every_thread():
    def part(begin, end):
        numpy.float32(1) / numpy.zeros(3, "float32")

    with numpy.errstate(all="ignore"):
        Pool(2).run(part, 2, 2)
    with pytest.raises(FloatingPointError), numpy.errstate(all="raise"):
        Pool(2).run(part, 2, 2)


@needs_openblas
def test_openblas_gets_its_threads_back():
    blas = openblas()
    before = blas._get_threads()
    blas._set_threads(2)
    try:
        inside = []
        Pool(2).run(lambda begin, end: inside.append(blas._get_threads()), 2, 2)
        assert inside == [1, 1] and blas._get_threads() == 2
        with blas, blas:
            pass
        assert blas._get_threads() == 2
    finally:
        blas._set_threads(before)


@needs_openblas
def test_add_product():
    rng = numpy.random.default_rng(0)
    for dtype in ("float32", "float64"):
        a, b = (rng.standard_normal(s).astype(dtype) for s in ((5, 7), (9, 7)))
        out = numpy.ones((5, 12), dtype)
        openblas().add_product(a, b, out[:, :9], False, True)
        numpy.testing.assert_allclose(out[:, :9], a @ b.T + 1, rtol=1e-5)
        assert (out[:, 9:] == 1).all(), "written beyond the view"
