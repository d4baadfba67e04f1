"""Each update rule against its definition, written for single numbers."""

from math import copysign, sqrt

import numpy
import pytest

from caffe_lite.backend import UpdateSlot
from tests.backend.cpu import each_backend, each_type, make_ops
from tests.backend.update_rules import update_rule

HYPER = {
    "SGD": {"momentum": 0.9},
    "Nesterov": {"momentum": 0.8},
    "AdaGrad": {"delta": 0.1},
    "RMSProp": {"delta": 0.2, "rms_decay": 0.7},
    "AdaDelta": {"delta": 0.3, "momentum": 0.6},
    "Adam": {"delta": 0.1, "momentum": 0.7, "momentum2": 0.9},
}


def step(rule, g, h, rate, t, momentum=0, momentum2=0, delta=0, rms_decay=0):
    """The step for one number, and its history afterwards."""
    if rule == "SGD":
        h = [rate * g + momentum * h[0]]
        return h[0], h
    if rule == "Nesterov":
        new = rate * g + momentum * h[0]
        return (1 + momentum) * new - momentum * h[0], [new]
    if rule in ("AdaGrad", "RMSProp"):
        new = h[0] + g * g
        if rule == "RMSProp":
            new = rms_decay * h[0] + (1 - rms_decay) * g * g
        return rate * g / (sqrt(new) + delta), [new]
    if rule == "AdaDelta":
        squares = momentum * h[0] + (1 - momentum) * g * g
        u = g * sqrt((h[1] + delta) / (squares + delta))
        return rate * u, [squares, momentum * h[1] + (1 - momentum) * u * u]
    m = momentum * h[0] + (1 - momentum) * g
    v = momentum2 * h[1] + (1 - momentum2) * g * g
    correction = sqrt(1 - momentum2**t) / (1 - momentum**t)
    return rate * correction * m / (sqrt(v) + delta), [m, v]


def slot_of(rng, shape, histories, dtype, lr_mult=1.0, decay_mult=1.0):
    draw = [rng.standard_normal(shape).astype(dtype) for _ in range(2)]
    draw[0].reshape(-1)[0] = 0  # where L1's sign is 0
    history = [rng.random(shape).astype(dtype) for _ in range(histories)]
    return UpdateSlot(*draw, history, lr_mult, decay_mult)


@each_backend
@pytest.mark.parametrize("l1", [False, True])
@pytest.mark.parametrize("rule", HYPER)
def test_rule(kind, rule, l1):
    ops = make_ops(kind)
    rng = numpy.random.default_rng(1)
    histories = 2 if rule in ("AdaDelta", "Adam") else 1
    slots = [
        slot_of(rng, (3, 7), histories, "float64", 2.0, 0.5),
        slot_of(rng, (41,), histories, "float64", 0.5, 0.0),
    ]
    for iteration, scale in ((0, 0.25), (1, numpy.array(0.7))):
        before = [[a.copy() for a in (s.data, s.diff, *s.history)] for s in slots]
        hyper = {**HYPER[rule], "iteration": iteration}
        ops.update(update_rule(rule), slots, 0.3, scale, 0.2, l1, **hyper)
        for slot, (data, diff, *history) in zip(slots, before, strict=True):
            for i in numpy.ndindex(*data.shape):
                pull = (data[i] != 0) * copysign(1, data[i]) if l1 else data[i]
                g = float(scale) * diff[i] + 0.2 * slot.decay_mult * pull
                moved, after = step(
                    rule, g, [h[i] for h in history], 0.3 * slot.lr_mult, iteration + 1,
                    **HYPER[rule],
                )  # fmt: skip
                numpy.testing.assert_allclose(slot.diff[i], moved, rtol=1e-11, atol=1e-15)
                numpy.testing.assert_allclose(slot.data[i], data[i] - moved, rtol=1e-11)
                numpy.testing.assert_allclose([h[i] for h in slot.history], after, rtol=1e-11)


@each_type
@pytest.mark.parametrize("kind", ["numpy", "native"])
@pytest.mark.parametrize("rule", HYPER)
def test_large_blobs(kind, dtype, rule):
    """Blocks and threads end inside the blob; a blob that is a strided view is updated as well."""
    histories = 2 if rule in ("AdaDelta", "Adam") else 1
    results = []
    for which in ("reference", kind):
        rng = numpy.random.default_rng(2)
        slots = [slot_of(rng, (317, 401), histories, dtype, 0.7, 1.5)]
        wide = slot_of(rng, (9, 22), histories, dtype)
        slots.append(
            UpdateSlot(wide.data[:, ::2], wide.diff[:, ::2], [h[:, ::2] for h in wide.history])
        )
        make_ops(which, dtype).update(update_rule(rule), slots, 0.2, 0.8, 0.1, **HYPER[rule])
        results.append([a for s in slots for a in (s.data, s.diff, *s.history)])
    tolerance = 2e-6 if dtype == "float32" else 1e-13
    for wanted, got in zip(*results, strict=True):
        numpy.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@each_backend
@each_type
def test_sum_squares(kind, dtype):
    ops = make_ops(kind, dtype)
    rng = numpy.random.default_rng(3)
    arrays = [rng.standard_normal(n).astype(dtype) for n in (1, 50_003, 17)]
    total = ops.sum_squares(arrays)
    wanted = sum((a.astype(float) ** 2).sum() for a in arrays)
    assert total.shape == () and total.dtype == dtype
    numpy.testing.assert_allclose(total, wanted, rtol=2e-6 if dtype == "float32" else 1e-13)
    assert ops.sum_squares([]) == 0
