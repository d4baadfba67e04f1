"""Products, bias, tables, activations and random numbers on the CPU."""

import json

import numpy
import pytest

from caffe_lite.backend import Ops, get_ops
from tests.backend.cpu import assert_close, each_backend, each_type, make_ops

# (rows, columns, depth), around the sizes of tiles, panels, chunks and blocks, and narrow or flat.
SIZES = [
    (1, 1, 1), (3, 5, 7), (17, 49, 33), (8, 48, 800), (9, 97, 801), (1, 300, 64), (300, 1, 65),
    (2, 1000, 3), (1000, 2, 900), (130, 260, 1700), (40, 700, 16), (700, 40, 2500), (16, 3000, 70),
    (1, 5003, 37), (2, 70, 9), (1, 3, 1), (300, 61, 1), (90, 4100, 2), (3, 5, 2),
]  # fmt: skip


@each_type
@each_backend
@pytest.mark.parametrize("trans_a", [False, True])
@pytest.mark.parametrize("trans_b", [False, True])
def test_gemm(kind, dtype, trans_a, trans_b):
    ops = make_ops(kind, dtype)
    rng = numpy.random.default_rng(0)
    for m, n, k in SIZES:
        a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
        given = [
            numpy.ascontiguousarray(x.T if t else x, dtype) for x, t in ((a, trans_a), (b, trans_b))
        ]
        out, added = numpy.full((m, n), numpy.nan, dtype), numpy.ones((m, n), dtype)
        ops.gemm(*given, out, trans_a, trans_b)
        ops.gemm(*given, added, trans_a, trans_b, accumulate=True)
        tolerance = 3e-6 if dtype == "float32" else 1e-14
        assert_close(out, a @ b, tolerance)
        assert_close(added, a @ b + 1, tolerance)


@each_backend
def test_gemm_of_views(kind):
    """Rows of a larger matrix, read-only operands, and an empty sum."""
    ops = make_ops(kind)
    rng = numpy.random.default_rng(1)
    a, b = rng.standard_normal((6, 11)), rng.standard_normal((11, 9))
    b.flags.writeable = False
    out = numpy.zeros((5, 12))
    ops.gemm(a[1:6], b, out[:, :9], accumulate=True)
    numpy.testing.assert_allclose(out[:, :9], a[1:6] @ b)
    assert not out[:, 9:].any(), "written beyond the view"
    ops.gemm(a[:5, ::2], b[:6], out[:, :9])
    numpy.testing.assert_allclose(out[:, :9], a[:5, ::2] @ b[:6])
    ops.gemm(numpy.empty((5, 0)), numpy.empty((0, 12)), out)
    assert not out.any(), "an empty sum is not 0"


@each_backend
@each_type
@pytest.mark.parametrize(("m", "k"), [(1, 9), (2, 17), (5, 1), (40, 2), (7, 11)])
def test_infinity_stays_infinity(kind, dtype, m, k):
    """Padding is not multiplied with infinity, which would give NaN."""
    ops = make_ops(kind, dtype)
    a, b, out = numpy.ones((m, k), dtype), numpy.ones((k, 70), dtype), numpy.empty((m, 70), dtype)
    b[0, 11], b[k - 1, 66] = numpy.inf, -numpy.inf
    with ops.quiet():
        ops.gemm(a, b, out)
    wanted = numpy.full((m, 70), k, dtype)
    wanted[:, 11], wanted[:, 66] = numpy.inf, -numpy.inf
    numpy.testing.assert_array_equal(out, wanted)


@each_backend
@each_type
def test_nan_times_zero(kind, dtype):
    ops = make_ops(kind, dtype)
    a, b = numpy.zeros((20, 30), dtype), numpy.zeros((30, 50), dtype)
    a[3, 7], b[2, 11] = numpy.nan, numpy.inf
    out = numpy.empty((20, 50), dtype)
    with ops.quiet():
        ops.gemm(a, b, out)
    wanted = numpy.zeros((20, 50), bool)
    wanted[3], wanted[:, 11] = True, True
    numpy.testing.assert_array_equal(numpy.isnan(out), wanted)


@each_backend
@each_type
@pytest.mark.parametrize("shape", [(3, 5, 2, 4), (6, 7), (1, 3, 700), (257, 90), (33, 5, 40, 41)])
def test_bias(kind, dtype, shape):
    ops = make_ops(kind, dtype)
    rng = numpy.random.default_rng(2)
    y, bias = rng.standard_normal(shape).astype(dtype), rng.standard_normal(shape[1]).astype(dtype)
    before, dbias = y.copy(), bias.copy()
    ops.add_bias(y, bias)
    ops.sum_bias(before, dbias)
    for c in range(shape[1]):
        numpy.testing.assert_array_equal(y[:, c], before[:, c] + bias[c])
        tolerance = 1e-5 if dtype == "float32" else 1e-12
        total = before[:, c].astype(float).sum()
        numpy.testing.assert_allclose(
            dbias[c] - bias[c], total, rtol=tolerance, atol=100 * tolerance
        )


@each_backend
def test_tables(kind):
    ops = make_ops(kind)
    rng = numpy.random.default_rng(3)
    weight = rng.standard_normal((40, 131))
    ids = rng.integers(0, 40, 95).astype("int32")
    out, rows = numpy.empty((95, 131)), rng.standard_normal((95, 131))
    ops.take(weight, ids, out)
    numpy.testing.assert_array_equal(out, weight[ids])
    target = weight.copy()
    ops.scatter_add(target, ids, rows)
    for i, row in zip(ids, rows, strict=True):
        weight[i] += row
    numpy.testing.assert_allclose(target, weight, rtol=1e-12, atol=1e-12)


@each_backend
@each_type
@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_relu(kind, dtype, slope):
    ops = make_ops(kind, dtype)
    x = numpy.random.default_rng(4).standard_normal(70_001).astype(dtype)
    x[:4] = [0, numpy.nan, numpy.inf, -numpy.inf]
    dy = numpy.random.default_rng(5).standard_normal(x.shape).astype(dtype)
    y, dx = numpy.empty_like(x), numpy.empty_like(x)
    ops.relu(x, y, slope)
    ops.relu_grad(x, dy, dx, slope)
    wanted = numpy.where(x > 0, x, slope * numpy.nan_to_num(x))
    wanted[[1, 3]] = numpy.nan, -numpy.inf if slope else 0
    assert_close(y, wanted, 1e-7)
    assert_close(dx[4:], numpy.where(x > 0, dy, slope * dy)[4:], 1e-7)
    assert dx[0] == dtype_of(slope * dy[0], dtype) and dx[1] == 0
    in_place = x.copy()
    ops.relu(in_place, in_place, slope)
    ops.relu_grad(in_place, dy, dy, slope)
    numpy.testing.assert_array_equal(in_place, y)
    numpy.testing.assert_array_equal(dy, dx)


def dtype_of(value, dtype):
    return numpy.dtype(dtype).type(value)


@each_backend
@each_type
def test_dropout(kind, dtype):
    ops = make_ops(kind, dtype)
    x = numpy.random.default_rng(6).standard_normal((250, 400)).astype(dtype)
    y, mask = numpy.empty_like(x), numpy.empty_like(x)
    ops.dropout(x, y, mask, 0.3, ops.stream(5))
    numpy.testing.assert_array_equal(y, x * mask)
    kept = dtype_of(1 / (1 - 0.3), dtype)
    numpy.testing.assert_allclose(numpy.unique(mask), [0, kept], rtol=1e-6)
    # 100,000 draws: five standard deviations are 0.72 percent.
    assert abs((mask > 0).mean() - 0.7) < 0.0073


@each_backend
def test_streams(kind):
    ops = make_ops(kind, "float32")
    a, b, c = (numpy.empty((3, 50), "float32") for _ in range(3))
    stream = ops.stream(1, 2)
    stream.uniform(a)
    kept = json.loads(json.dumps(stream.state))
    stream.uniform(b)
    assert ((a >= 0) & (a < 1)).all(), "numbers outside [0, 1)"
    assert not (a == b).any(), "a call repeats numbers of the call before"
    other = ops.stream(9)
    other.uniform(c)
    assert not (c == a).any(), "two seeds give equal numbers"
    other.state = kept
    other.uniform(c)
    numpy.testing.assert_array_equal(c, b)
    strided = numpy.zeros((3, 100), "float32")
    other.state = kept
    other.uniform(strided[:, ::2])
    numpy.testing.assert_array_equal(strided[:, ::2], b)
    assert not strided[:, 1::2].any(), "written between the elements of a strided array"


def test_one_seed_gives_one_set_of_host_numbers():
    draws = [Ops().host_rng(3, 4).random(5), get_ops().host_rng(3, 4).random(5)]
    numpy.testing.assert_array_equal(*draws)
    assert not (Ops().host_rng(4, 3).random(5) == draws[0]).any()


@each_backend
@each_type
def test_new_arrays_and_copies(kind, dtype):
    ops = make_ops(kind, dtype)
    assert ops.dtype == dtype and ops.name == "cpu" and ops.xp is numpy
    assert ops.empty((2, 3)).dtype == ops.zeros(()).dtype == dtype
    assert ops.empty((2,), "int32").dtype == "int32" and not ops.zeros((3, 0, 2)).size
    assert ops.asarray(numpy.float64(3)).shape == ()
    turned = ops.asarray(numpy.arange(6).reshape(2, 3).T)
    assert turned.flags.c_contiguous and turned.dtype == dtype
    out = ops.zeros((3, 2))
    ops.copy_to_device(numpy.arange(6.0), out)
    numpy.testing.assert_array_equal(ops.to_host(out).reshape(-1), range(6))
    ops.synchronize()


@each_backend
def test_operands_of_another_type(kind):
    """They are computed by NumPy, not misread as the backend's type."""
    ops = make_ops(kind, "float32")
    rng = numpy.random.default_rng(7)
    a, b = rng.standard_normal((20, 30)), rng.standard_normal((30, 50)).astype("float32")
    wide = numpy.zeros((20, 50))
    ops.gemm(a, b, wide, accumulate=True)
    numpy.testing.assert_allclose(wide, a @ b, rtol=1e-12)
