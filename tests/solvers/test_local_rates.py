"""Local rates, schedules of momentum and weight decay, and limits on weights, by their formulas."""

import numpy as np
import pytest

from caffe_lite.backend import get_ops
from caffe_lite.errors import SolverError
from caffe_lite.proto import schema, text
from caffe_lite.solvers import get_solver
from caffe_lite.solvers.schedules import momentum, weight_decay
from tests.backend.standin.cupy_module import installed
from tests.solvers.solver_nets import TWO_LAYERS, make_solver, params

BASE = 'base_lr: 0.25 lr_policy: "exp" gamma: 0.5 random_seed: 5 weight_decay: 0.125 max_iter: 8 '
LR_MULTS, DECAY_MULTS = (1, 2, 0.5, 1), (1, 0, 3, 1)
SHAPES = [(4, 3), (4,), (2, 4), (2,)]


def gradients(seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return [scale * rng.standard_normal(shape) for shape in SHAPES]


def apply(solver, grads):
    for blob, grad in zip(solver.net.learnable_params, grads, strict=True):
        blob.diff[...] = grad
    solver.apply_update()


def norm(array):
    return np.sqrt((array**2).sum())


def larc(w, g, h, state, i, m, eta, turbo=False):
    local = (1 - m) * eta * norm(w) / norm(g) if norm(w) and norm(g) else 1.0
    if turbo:
        cosine = (g * h).sum() / (norm(g) * norm(h)) if norm(g) and norm(h) else 0.0
        state[i] = 0.95 * state[i] + 0.05 * cosine
        local -= 0.9 * state[i]
    return local


def run_by_hand(start, local_rate, m, steps, l1=False, clip=False, iter_size=1):
    """Weights after `steps` updates of SGD with the local rates of `local_rate(w, g, h, i)`."""
    weights = [w.copy() for w in start]
    histories = [np.zeros_like(w) for w in weights]
    for t in range(steps):
        rate = 0.25 * 0.5**t
        for i, g in enumerate(gradients(t)):
            g, w, h = g / iter_size, weights[i], histories[i]
            local = local_rate(w, g, h, i)
            blob_rate = min(rate, local) if clip else rate * local
            pull = 0.125 * DECAY_MULTS[i] * (np.sign(w) if l1 else w)
            h[...] = m * h + blob_rate * (g + pull)
            w -= h
    return weights


@pytest.mark.parametrize("policy", ["scale", "clip"])
@pytest.mark.parametrize("extra", ["", 'regularization_type: "L1" ', "iter_size: 2 "])
@pytest.mark.parametrize("turbo", [False, True])
def test_larc(policy, extra, turbo):
    eta = 0.5 if policy == "scale" else 0.125
    solver = make_solver(
        f'{BASE}{extra} momentum: 0.75 larc: true larc_policy: "{policy}" larc_eta: {eta} '
        f"larc_turbo: {str(turbo).lower()}"
    )
    start, state = params(solver), [0.0] * 4

    def rate(w, g, h, i):
        return larc(w, g, h, state, i, 0.75, eta, turbo)

    expected = run_by_hand(
        start, rate, 0.75, 5, "L1" in extra, policy == "clip", 2 if "iter_size" in extra else 1
    )
    for t in range(5):
        apply(solver, gradients(t))
    for mine, theirs in zip(params(solver), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10)
    if turbo:
        assert solver.updater.local_rates.correlations == pytest.approx(state)
        assert max(map(abs, state)) > 1e-3


def test_clip_takes_the_smaller_rate_for_some_blobs_and_the_larger_for_none():
    solver = make_solver(f'{BASE} larc: true larc_policy: "clip" larc_eta: 0.3')
    locals_ = [
        larc(w, g, None, None, i, 0, 0.3)
        for i, (w, g) in enumerate(zip(params(solver), gradients(0), strict=True))
    ]
    assert min(locals_) < 0.25 < max(locals_)


def test_local_lr_auto():
    solver = make_solver(f"{BASE} momentum: 0.5 local_lr_auto: true local_gw_ratio: 0.25")
    start = params(solver)

    def rate(w, g, h, i):
        return 0.25 * norm(w) / (norm(g) + 0.125 * norm(w))

    expected = run_by_hand(start, rate, 0.5, 4)
    for t in range(4):
        apply(solver, gradients(t))
    for mine, theirs in zip(params(solver), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10)


def test_a_norm_of_zero_gives_the_local_rate_1():
    solver = make_solver(f"{BASE} larc: true")
    zeros = [np.zeros(shape) for shape in SHAPES]
    start = params(solver)
    apply(solver, zeros)
    for w, before, decay in zip(params(solver), start, DECAY_MULTS, strict=True):
        np.testing.assert_allclose(w, before * (1 - 0.25 * 0.125 * decay), rtol=1e-12)


def test_a_blob_with_lr_mult_0_stays():
    net = """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
    layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" param { lr_mult: 0 } param { }
            inner_product_param { num_output: 2 weight_filler { type: "gaussian" } } }
    layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 2 dim: 2 } } }
    layer { name: "l" type: "EuclideanLoss" bottom: "a" bottom: "t" }"""
    solver = make_solver(f"{BASE} larc: true", net)
    before = params(solver)
    for blob in solver.net.learnable_params:
        blob.diff[...] = 1
    solver.apply_update()
    assert np.array_equal(params(solver)[0], before[0])
    assert not np.array_equal(params(solver)[1], before[1])


def test_clipped_gradients_are_what_the_norm_is_of():
    plain = make_solver(f"{BASE} larc: true larc_eta: 0.5 clip_gradients: 1.5")
    start = params(plain)
    total = np.sqrt(sum((g**2).sum() for g in gradients(0)))
    assert total > 1.5
    apply(plain, gradients(0))
    for i, (w, before, g) in enumerate(zip(params(plain), start, gradients(0), strict=True)):
        g = g * 1.5 / total
        local = 0.5 * norm(before) / norm(g) if norm(before) else 1.0
        step = 0.25 * local * (g + 0.125 * DECAY_MULTS[i] * before)
        np.testing.assert_allclose(w, before - step, rtol=1e-10)


@pytest.mark.parametrize(
    ("fields", "formula"),
    [
        ("momentum: 0.5", lambda i, rate: 0.5),
        (
            'momentum: 0.5 momentum_policy: "poly" max_momentum: 0.75 momentum_power: 2',
            lambda i, rate: 0.5 + 0.25 * min(1, i / 8) ** 2,
        ),
        ('momentum: 0.5 momentum_policy: "opt"', lambda i, rate: (1 - 0.5 * rate**0.5) ** 2),
        (
            'momentum_policy: "opt" max_momentum: 0.7',
            lambda i, rate: min(0.7, (1 - 0.5 * rate**0.5) ** 2),
        ),
    ],
)
def test_momentum_policies(fields, formula):
    solver = make_solver(BASE + fields)
    for t in range(10):
        assert solver.hyper()["momentum"] == pytest.approx(formula(t, 0.25 * 0.5**t), rel=1e-6)
        apply(solver, gradients(t))
    assert momentum(solver.param, 3, 0.04) == pytest.approx(formula(3, 0.04), rel=1e-6)


@pytest.mark.parametrize("rule", ["SGD", "Nesterov"])
def test_weight_decay_grows(rule):
    solver = make_solver(
        f'{BASE} type: "{rule}" weight_decay_policy: "poly" max_weight_decay: 0.5 '
        "weight_decay_power: 2"
    )
    expected = [w.copy() for w in params(solver)]
    for t in range(10):
        decay = 0.125 + 0.375 * min(1, t / 8) ** 2
        assert weight_decay(solver.param, t) == pytest.approx(decay)
        for w, g, mult, lr in zip(expected, gradients(t), DECAY_MULTS, LR_MULTS, strict=True):
            w -= 0.25 * 0.5**t * lr * (g + decay * mult * w)
        apply(solver, gradients(t))
    for mine, theirs in zip(params(solver), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10)


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ("clip_weights: 1.5", lambda w, total: w * min(1, 1.5 / total)),
        ("clip_weights: 0", lambda w, total: 0 * w),
        ("clamp_weights_upper: 0.25", lambda w, total: np.minimum(w, 0.25)),
        (
            "clamp_weights_lower: -0.5 clamp_weights_upper: 0.25 clip_weights: 2",
            lambda w, total: np.clip(w * min(1, 2 / total), -0.5, 0.25),
        ),
        ("clip_weights: -1", lambda w, total: w),
    ],
)
def test_weight_limits_come_before_the_step(fields, limit):
    solver = make_solver(f"{BASE} momentum: 0.5 {fields}")
    expected = params(solver)
    histories = [np.zeros_like(w) for w in expected]
    for t in range(3):
        total = np.sqrt(sum((w**2).sum() for w in expected))
        for i, g in enumerate(gradients(t, 0.25)):
            w, h = expected[i], histories[i]
            pull = 0.125 * DECAY_MULTS[i] * w
            h[...] = 0.5 * h + 0.25 * 0.5**t * LR_MULTS[i] * (g + pull)
            expected[i] = limit(w, total) - h
        apply(solver, gradients(t, 0.25))
    for mine, theirs in zip(params(solver), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)


def test_float32_runs_through_the_compiled_update():
    settings = f"{BASE} momentum: 0.75 larc: true larc_eta: 0.5 clip_weights: 2"
    double, single = make_solver(settings), make_solver(settings, dtype="float32")
    for t in range(3):
        apply(double, gradients(t))
        apply(single, gradients(t))
    assert get_ops().dtype == np.float32
    for a, b in zip(params(single), params(double), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_on_a_device():
    settings = (
        f"{BASE} momentum: 0.75 larc: true larc_turbo: true larc_eta: 0.5 clip_weights: 2 "
        'clamp_weights_lower: -0.5 larc_policy: "clip" regularization_type: "L1"'
    )
    host = make_solver(settings)
    with installed():
        ops = get_ops(0, "float64")
        device = get_solver(
            text.parse(f"{settings} net_param {{ {TWO_LAYERS} }}", schema.SolverParameter), ops
        )
        for mine, theirs in zip(
            device.net.learnable_params, host.net.learnable_params, strict=True
        ):
            mine.data[...] = ops.asarray(theirs.data)
        for t in range(3):
            apply(host, gradients(t))
            for blob, grad in zip(device.net.learnable_params, gradients(t), strict=True):
                blob.diff[...] = ops.asarray(grad)
            device.apply_update()
        found = [ops.to_host(blob.data) for blob in device.net.learnable_params]
        correlations = device.updater.local_rates.correlations
    for mine, theirs in zip(found, params(host), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10)
    assert correlations == pytest.approx(host.updater.local_rates.correlations)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ('larc: true type: "Adam"', 'larc is for type: "SGD" alone, got type: "Adam"'),
        ('local_lr_auto: true type: "Nesterov"', "local_lr_auto is for"),
        ("local_lr_auto: true larc: true", "both true"),
        ('larc_policy: "shrink"', 'larc_policy must be one of scale, clip, got "shrink"'),
        ("larc_eta: 0", "larc_eta must be above 0"),
        ('momentum_policy: "cosine"', "momentum_policy must be one of fixed, poly, opt"),
        ('momentum_policy: "poly" type: "Adam"', "momentum_policy is for"),
        ('weight_decay_policy: "exp"', "weight_decay_policy must be one of"),
        ("max_weight_decay: -1", "max_weight_decay must not be negative"),
        ("clamp_weights_lower: 1 clamp_weights_upper: 0", "1 is above clamp_weights_upper 0"),
        ("disabled_update: true", "disabled_update: true leaves"),
        ("test_and_snapshot_last_epochs: 3", "give test_interval and snapshot instead"),
        ("test_offset: -1", "test_offset must not be negative"),
    ],
)
def test_fields_that_cannot_be_honoured(fields, problem):
    with pytest.raises(SolverError, match="^solver: ") as caught:
        make_solver(BASE + fields)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tests_are_due_after_the_offset():
    solver = make_solver(
        f"{BASE} test_iter: 1 test_interval: 3 test_offset: 1 test_initialization: false"
    )
    tested = []
    solver._tester.run = lambda: tested.append(solver.iter)
    solver.step(9)
    assert tested == [1, 4, 7]
