"""Each update rule against the same update written out element by element."""

from math import sqrt

import numpy as np
import pytest

from tests.solvers.solver_nets import make_solver, params

LR_MULT = [1, 2, 0.5, 1]
DECAY_MULT = [1, 0, 3, 1]
SHAPES = [(4, 3), (4,), (2, 4), (2,)]


def sgd(g, h, rate, hyper, t):
    h[0] = rate * g + hyper["momentum"] * h[0]
    return h[0]


def nesterov(g, h, rate, hyper, t):
    before = h[0]
    h[0] = rate * g + hyper["momentum"] * h[0]
    return (1 + hyper["momentum"]) * h[0] - hyper["momentum"] * before


def adagrad(g, h, rate, hyper, t):
    h[0] += g * g
    return rate * g / (sqrt(h[0]) + hyper["delta"])


def rmsprop(g, h, rate, hyper, t):
    h[0] = hyper["rms_decay"] * h[0] + (1 - hyper["rms_decay"]) * g * g
    return rate * g / (sqrt(h[0]) + hyper["delta"])


def adadelta(g, h, rate, hyper, t):
    h[0] = hyper["momentum"] * h[0] + (1 - hyper["momentum"]) * g * g
    step = g * sqrt((h[1] + hyper["delta"]) / (h[0] + hyper["delta"]))
    h[1] = hyper["momentum"] * h[1] + (1 - hyper["momentum"]) * step * step
    return rate * step


def adam(g, h, rate, hyper, t):
    h[0] = hyper["momentum"] * h[0] + (1 - hyper["momentum"]) * g
    h[1] = hyper["momentum2"] * h[1] + (1 - hyper["momentum2"]) * g * g
    corrected = rate * sqrt(1 - hyper["momentum2"] ** t) / (1 - hyper["momentum"] ** t)
    return corrected * h[0] / (sqrt(h[1]) + hyper["delta"])


RULES = {
    "SGD": (sgd, {"momentum": 0.75}),
    "Nesterov": (nesterov, {"momentum": 0.75}),
    "AdaGrad": (adagrad, {"delta": 0.125}),
    "RMSProp": (rmsprop, {"rms_decay": 0.625, "delta": 0.125}),
    "AdaDelta": (adadelta, {"momentum": 0.625, "delta": 0.125}),
    "Adam": (adam, {"momentum": 0.75, "momentum2": 0.875, "delta": 0.125}),
}


def settings_of(rule, extra):
    hyper = " ".join(f"{name}: {value}" for name, value in RULES[rule][1].items())
    return f'type: "{rule}" base_lr: 0.25 lr_policy: "exp" gamma: 0.75 {hyper} {extra}'


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("extra", "decay", "l1", "iter_size", "clip"),
    [
        ("", 0, False, 1, None),
        ("weight_decay: 0.125", 0.125, False, 1, None),
        ('weight_decay: 0.125 regularization_type: "L1"', 0.125, True, 1, None),
        ("weight_decay: 0.125 iter_size: 4", 0.125, False, 4, None),
        ("weight_decay: 0.125 iter_size: 2 clip_gradients: 3", 0.125, False, 2, 3.0),
        ("clip_gradients: 1000", 0, False, 1, 1000.0),
        ("clip_gradients: 0", 0, False, 1, 0.0),
    ],
)
def test_three_updates(rule, extra, decay, l1, iter_size, clip):
    solver = make_solver(settings_of(rule, extra))
    update, hyper = RULES[rule]
    rng = np.random.default_rng(3)
    want = params(solver)
    histories = [[np.zeros(shape), np.zeros(shape)] for shape in SHAPES]
    for t in (1, 2, 3):
        gradients = [rng.normal(size=shape) for shape in SHAPES]
        for blob, gradient in zip(solver.net.learnable_params, gradients, strict=True):
            blob.diff[...] = gradient
        solver.apply_update()
        norm = sqrt(sum(g * g for gradient in gradients for g in gradient.ravel()))
        scale = clip / norm if clip is not None and norm > clip else 1
        for k, gradient in enumerate(gradients):
            for index in np.ndindex(gradient.shape):
                w = want[k][index]
                g = scale * gradient[index] / iter_size
                g += decay * DECAY_MULT[k] * (np.sign(w) if l1 else w)
                history = [h[index] for h in histories[k]]
                want[k][index] = w - update(
                    g, history, 0.25 * 0.75 ** (t - 1) * LR_MULT[k], hyper, t
                )
                for h, value in zip(histories[k], history, strict=True):
                    h[index] = value
        for k, got in enumerate(params(solver)):
            np.testing.assert_allclose(
                got, want[k], rtol=1e-12, atol=1e-13, err_msg=f"blob {k} after update {t}"
            )
    assert solver.iter == 3
    count = 2 if rule in ("AdaDelta", "Adam") else 1
    in_order = [histories[k][which] for which in range(count) for k in range(4)]
    assert len(solver.history) == len(in_order)
    for got, expected in zip(solver.history, in_order, strict=True):
        np.testing.assert_allclose(got.data, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("rule", RULES)
def test_zero_gradients_are_no_problem(rule):
    solver = make_solver(settings_of(rule, "clip_gradients: 0.5"))
    before = params(solver)
    for blob in solver.net.learnable_params:
        blob.diff[...] = 0
    solver.apply_update()
    for got, want in zip(params(solver), before, strict=True):
        np.testing.assert_array_equal(got, want)


FROZEN = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 5 dim: 3 } } }
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 5 dim: 2 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a"
        param { lr_mult: 0 } param { lr_mult: 0 }
        inner_product_param { num_output: 4 weight_filler { type: "gaussian" } } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b"
        inner_product_param { num_output: 2 weight_filler { type: "gaussian" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "b" bottom: "t" top: "loss" }
"""


@pytest.mark.parametrize("rule", RULES)
def test_frozen_blobs_stay(rule):
    solver = make_solver(settings_of(rule, "weight_decay: 0.5 clip_gradients: 1"), FROZEN)
    solver.net.blobs["x"].data[...] = np.random.default_rng(1).normal(size=(5, 3))
    before = params(solver)
    solver.step(3)
    after = params(solver)
    for k in (0, 1):
        np.testing.assert_array_equal(after[k], before[k])
    assert not np.array_equal(after[2], before[2])
    skips = rule in ("SGD", "Nesterov")
    assert [solver.net.learnable_params[k].has_diff for k in (0, 1)] == [not skips] * 2
    history = solver.updater.history_arrays()
    assert history[0].any() == (not skips)
    assert history[0].shape == (4, 3)


def test_a_frozen_blobs_history_takes_no_memory_when_restored(tmp_path):
    settings = settings_of("SGD", f'snapshot_prefix: "{tmp_path}/run"')
    solver = make_solver(settings, FROZEN)
    solver.step(1)
    _, state = solver.snapshot()
    assert [blob.has_data for blob in solver.history] == [False, False, True, True]
    other = make_solver(settings, FROZEN)
    other.restore(state)
    assert [blob.has_data for blob in other.history] == [False, False, True, True]
    moving = make_solver(settings, FROZEN.replace("lr_mult: 0", "lr_mult: 1"))
    for blob in moving.net.learnable_params:
        blob.diff[...] = 1
    moving.apply_update()
    _, state = moving.snapshot()
    other.restore(state)  # what still moves goes on, though its rate is zero now
    before = params(other)
    other.apply_update()
    assert all((a != b).all() for a, b in zip(params(other), before, strict=True))


@pytest.mark.parametrize("limit", [0, 1e-35, 1e30])
def test_no_limit_of_clipping_overflows(limit):
    solver = make_solver(f'base_lr: 1 lr_policy: "fixed" clip_gradients: {limit}', dtype="float32")
    before = params(solver)
    for value in (0, 1e-3):
        for blob in solver.net.learnable_params:
            blob.diff[...] = value
        solver.apply_update()
    moved = any((a != b).any() for a, b in zip(params(solver), before, strict=True))
    assert moved == (limit > 1)


def test_a_blob_that_moves_is_still_updated():
    solver = make_solver('base_lr: 0.5 lr_policy: "fixed"')
    blob = solver.net.learnable_params[0]
    blob.diff[...] = 1
    solver.apply_update()
    other = type(blob)(blob.ops, *blob.shape)
    other.data[...] = 7
    blob.share_data(other)
    blob.diff[...] = 1
    solver.apply_update()
    np.testing.assert_array_equal(other.data, np.full(blob.shape, 6.5))
