"""One LSTM step against its formula, element by element, and its gradient."""

import math

import numpy
import pytest

from caffe_lite.backend import Ops
from tests.backend.cpu import assert_close, each_backend, each_type, make_ops, numeric_gradient


def drawn(batch, hidden, with_cont, seed=0):
    rng = numpy.random.default_rng(seed)
    gates = rng.standard_normal((batch, 4 * hidden)) * 2
    c_prev, dc, dh = (rng.standard_normal((batch, hidden)) for _ in range(3))
    cont = numpy.array([0, 1, 0.5, 1, 0, 1, 1])[:batch] if with_cont else None
    return gates, c_prev, cont, dc, dh


def logistic(x):
    return 1 / (1 + math.exp(-x))


@each_backend
@pytest.mark.parametrize("with_cont", [False, True])
def test_forward(kind, with_cont):
    ops = make_ops(kind)
    gates, c_prev, cont, _, _ = drawn(3, 19, with_cont)
    before = gates.copy()
    c, h = numpy.empty((3, 19)), numpy.empty((3, 19))
    ops.lstm_unit(gates, c_prev, cont, c, h)
    for n, d in numpy.ndindex(3, 19):
        i, f, o = (logistic(before[n, d + 19 * gate]) for gate in range(3))
        g = math.tanh(before[n, d + 57])
        wanted = (cont[n] if with_cont else 1) * f * c_prev[n, d] + i * g
        numpy.testing.assert_allclose(c[n, d], wanted, rtol=1e-12, atol=1e-14)
        numpy.testing.assert_allclose(h[n, d], o * math.tanh(wanted), rtol=1e-12, atol=1e-14)
        numpy.testing.assert_allclose(gates[n, d::19], [i, f, o, g], rtol=1e-12)


@each_backend
@pytest.mark.parametrize("with_cont", [False, True])
def test_gradient(kind, with_cont):
    ops = make_ops(kind)
    x, c_prev, cont, dc, dh = drawn(4, 18, with_cont, seed=1)
    c, h = numpy.empty_like(c_prev), numpy.empty_like(c_prev)

    def objective():
        ops.lstm_unit(x.copy(), c_prev, cont, c, h)
        return (c * dc).sum() + (h * dh).sum()

    wanted = numeric_gradient(objective, x), numeric_gradient(objective, c_prev)
    gates = x.copy()
    ops.lstm_unit(gates, c_prev, cont, c, h)
    dgates, dc_prev = numpy.full(x.shape, numpy.nan), numpy.full(c.shape, numpy.nan)
    ops.lstm_unit_grad(gates, c_prev, cont, c, dc, dh, dgates, dc_prev)
    assert_close(dgates, wanted[0], 1e-8)
    assert_close(dc_prev, wanted[1], 1e-8)
    ops.lstm_unit_grad(gates, c_prev, cont, c, dc, dh, dgates, dc)
    numpy.testing.assert_array_equal(dc, dc_prev)


@each_backend
@each_type
def test_extreme_activations(kind, dtype):
    """Far from zero the gates saturate without overflow; NaN and infinity are kept."""
    ops = make_ops(kind, dtype)
    values = [-numpy.inf, -1e4, -90, -30, -1e-4, 0, 1e-5, 0.3, 30, 100, 1e30, numpy.inf, numpy.nan]
    x = numpy.array(values, dtype)
    gates = numpy.tile(x, 4).reshape(1, -1).copy()
    c_prev = numpy.zeros((1, len(x)), dtype)
    c, h = numpy.empty_like(c_prev), numpy.empty_like(c_prev)
    ops.lstm_unit(gates, c_prev, None, c, h)
    i, _, o, g = gates.reshape(4, -1)
    tolerance = 5e-7 if dtype == "float32" else 2e-15
    exact = x.astype(float)
    with numpy.errstate(over="ignore"):
        assert_close(i, 1 / (1 + numpy.exp(-exact)), tolerance)
    assert_close(g, numpy.tanh(exact), tolerance)
    numpy.testing.assert_allclose(g[4:8], numpy.tanh(exact[4:8]), rtol=tolerance)
    numpy.testing.assert_array_equal(i, o)


@each_type
@pytest.mark.parametrize("kind", ["numpy", "native"])
def test_large_steps(kind, dtype):
    ops, reference = make_ops(kind, dtype), Ops(dtype=dtype)
    gates, c_prev, _, dc, dh = (
        None if a is None else a.astype(dtype) for a in drawn(120, 301, False, seed=2)
    )
    cont = (numpy.arange(120) % 3 > 0).astype(dtype)
    results = []
    for o in (reference, ops):
        c, h, dc_prev = (numpy.full_like(c_prev, numpy.nan) for _ in range(3))
        activations, dgates = gates.copy(), numpy.full_like(gates, numpy.nan)
        o.lstm_unit(activations, c_prev, cont, c, h)
        o.lstm_unit_grad(activations, c_prev, cont, c, dc, dh, dgates, dc_prev)
        results.append((activations, c, h, dgates, dc_prev))
    for got, wanted in zip(results[1], results[0], strict=True):
        assert_close(got, wanted, 1e-6 if dtype == "float32" else 1e-14)


@each_backend
def test_a_step_joined_to_the_next(kind):
    """h_cont, which a step computes for the next one, and its gradient dh_next."""
    ops, rng = make_ops(kind), numpy.random.default_rng(3)
    x, c_prev, cont, dc, dh = drawn(4, 18, True, seed=4)
    cont_next, dh_cont = numpy.array([0, 1, 0.5, 2]), rng.standard_normal((4, 18))
    c, h, h_cont = (numpy.empty_like(c_prev) for _ in range(3))

    def objective():
        ops.lstm_unit(x.copy(), c_prev, cont, c, h, cont_next, h_cont)
        return (c * dc).sum() + (h * dh).sum() + (h_cont * dh_cont).sum()

    wanted = numeric_gradient(objective, x), numeric_gradient(objective, c_prev)
    numpy.testing.assert_allclose(h_cont, h * cont_next[:, None], rtol=1e-14)
    gates = x.copy()
    ops.lstm_unit(gates, c_prev, cont, c, h, cont_next, h_cont)
    dgates, dc_prev = numpy.full(x.shape, numpy.nan), numpy.full(c.shape, numpy.nan)
    ops.lstm_unit_grad(gates, c_prev, cont, c, dc, dh, dgates, dc_prev, dh_cont, cont_next)
    assert_close(dgates, wanted[0], 1e-8)
    assert_close(dc_prev, wanted[1], 1e-8)


@each_backend
@pytest.mark.parametrize("batch", [1, 4])
def test_plain_unit(kind, batch):
    ops, rng = make_ops(kind), numpy.random.default_rng(5)
    pre, dh, dh_cont = (rng.standard_normal((batch, 19)) for _ in range(3))
    cont_next = numpy.array([0.5, 1, 0, 2])[:batch]
    h, h_cont = numpy.empty_like(pre), numpy.empty_like(pre)

    def objective():
        ops.rnn_unit(pre, h, cont_next, h_cont)
        return (h * dh).sum() + (h_cont * dh_cont).sum()

    wanted = numeric_gradient(objective, pre)
    for n, d in numpy.ndindex(h.shape):
        assert h[n, d] == pytest.approx(math.tanh(pre[n, d]), rel=1e-5)
        assert h_cont[n, d] == pytest.approx(cont_next[n] * h[n, d], rel=1e-5, abs=1e-12)
    ops.rnn_unit(pre, h)
    dpre = numpy.full(h.shape, numpy.nan)
    ops.rnn_unit_grad(h, dh, dpre, dh_cont, cont_next)
    assert_close(dpre, wanted, 1e-8)
