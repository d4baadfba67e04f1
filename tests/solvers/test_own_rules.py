"""Solvers that a user writes: their rule is what runs, on every backend, and in every front."""

import functools

import numpy as np
import pytest

from caffe_lite.backend import Ops, UpdateRule, UpdateSlot, get_ops
from caffe_lite.backend.rules import KERNELS, accelerated
from caffe_lite.errors import SolverError
from caffe_lite.proto import schema, text
from caffe_lite.solvers import Solver, get_solver, register, registry, solver_types
from caffe_lite.solvers.rules.adam import AdamSolver
from caffe_lite.solvers.rules.sgd import SGDSolver
from tests.backend.cpu import make_ops
from tests.backend.standin.cupy_module import installed
from tests.solvers.solver_nets import ROWS_NET, TWO_LAYERS, make_solver, params, write_rows
from tests.solvers.test_recorded_iteration import SOLVER, RecordingOps

SETTINGS = 'base_lr: 0.25 lr_policy: "step" gamma: 0.5 stepsize: 2 momentum: 0.75 momentum2: 0.875'


class TwoMeans(Solver):
    """m = momentum m + (1 - momentum) g; v = momentum2^t v + g; w -= rate (m + 0.1 v / t)."""

    histories = 2

    @staticmethod
    def rule(xp, g, history, rate, hyper):
        m, v = history
        t = hyper.iteration + 1
        m[...] = hyper.momentum * m + (1 - hyper.momentum) * g
        v[...] = hyper.momentum2**t * v + g
        return rate * (m + 0.1 * v / t)


class Scaled(Solver):
    """The gradient divided by its norm over the whole blob."""

    @staticmethod
    def rule(xp, g, history, rate, hyper):
        return rate * g / xp.sqrt((g * g).sum())


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """The two solvers above; what a test registers is forgotten after it."""
    solver_types()
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    register("TwoMeans")(TwoMeans)
    register("Scaled")(Scaled)


def backend(kind, dtype="float64"):
    return get_ops(0, dtype) if kind == "gpu" else make_ops(kind, dtype)


def slot_of(ops, rng, shape, histories, lr_mult=1.0, decay_mult=1.0):
    draw = [ops.asarray(rng.standard_normal(shape)) for _ in range(2)]
    return UpdateSlot(*draw, [ops.zeros(shape) for _ in range(histories)], lr_mult, decay_mult)


@pytest.mark.parametrize("kind", ["reference", "numpy", "native", "gpu"])
def test_a_rule_of_ones_own_equals_its_formula(kind):
    rule = UpdateRule(TwoMeans.rule, 2)
    assert rule.kernel is None
    with installed():
        ops = backend(kind)
        rng = np.random.default_rng(5)
        slots = [slot_of(ops, rng, (3, 7), 2, 2.0, 0.5), slot_of(ops, rng, (41,), 2, 0.5, 0.0)]
        for iteration, rate in enumerate((0.5, 0.25, 0.125)):
            before = [
                [np.array(ops.to_host(a)) for a in (s.data, s.diff, *s.history)] for s in slots
            ]
            ops.update(
                rule, slots, rate, 0.7, 0.2, momentum=0.75, momentum2=0.875, iteration=iteration
            )
            for slot, (data, diff, m, v) in zip(slots, before, strict=True):
                g = 0.7 * diff + 0.2 * slot.decay_mult * data
                m = 0.75 * m + 0.25 * g
                v = 0.875 ** (iteration + 1) * v + g
                step = rate * slot.lr_mult * (m + 0.1 * v / (iteration + 1))
                for got, want in (
                    (slot.diff, step),
                    (slot.data, data - step),
                    (slot.history[0], m),
                    (slot.history[1], v),
                ):
                    np.testing.assert_allclose(ops.to_host(got), want, rtol=1e-12, atol=1e-14)


def test_a_recorded_update_sees_each_rate_and_iteration():
    runs = []
    with installed():
        for recorded in (False, True):
            ops = get_ops(0, "float64")
            slot = slot_of(ops, np.random.default_rng(6), (4, 5), 2)
            now = [0.5, 0]

            def update(slot=slot, ops=ops, now=now):
                slot.diff.fill(0.5)
                ops.update(
                    UpdateRule(TwoMeans.rule, 2), [slot], now[0], 0.7, 0.2,
                    momentum=0.75, momentum2=0.875, iteration=now[1],
                )  # fmt: skip

            seen = []
            for iteration in range(6):
                now[:] = [1 / (2 + iteration), iteration]
                ops.set_update_controls(now[0], 0.7, iteration)
                if recorded and iteration == 2:
                    recording = ops.capture(update)
                (recording.replay if recorded and iteration >= 2 else update)()
                seen.append(np.array(ops.to_host(slot.data)))
            runs.append(seen)
    for eager, replayed in zip(*runs, strict=True):
        np.testing.assert_allclose(replayed, eager, rtol=1e-14)


@pytest.mark.parametrize("kind", ["numpy", "native"])
def test_a_rule_gets_its_blob_whole(kind):
    """Backends cut rules that they know into slices; a norm over a slice would be another."""
    ops = make_ops(kind, "float64")
    slot = slot_of(ops, np.random.default_rng(7), (300, 400), 1)
    data, diff = slot.data.copy(), slot.diff.copy()
    ops.update(UpdateRule(Scaled.rule), [slot], 0.5)
    np.testing.assert_allclose(slot.data, data - 0.5 * diff / np.linalg.norm(diff), rtol=1e-12)


class Doubled(SGDSolver):
    """SGD with twice the step: the rule is wrapped, and with it its name and attributes."""

    @staticmethod
    @functools.wraps(SGDSolver.rule)
    def rule(*arguments):
        return 2 * SGDSolver.rule(*arguments)


class AdamW(AdamSolver):
    decoupled_decay = True


@pytest.mark.parametrize("kind", ["reference", "numpy", "native", "gpu"])
def test_a_rule_that_is_overridden_is_not_accelerated(kind):
    assert UpdateRule(SGDSolver.rule).kernel is KERNELS[0]
    assert UpdateRule(Doubled.rule).kernel is None
    with installed():
        ops = backend(kind)
        slot = slot_of(ops, np.random.default_rng(8), (5, 6), 1)
        data, diff = (np.array(ops.to_host(a)) for a in (slot.data, slot.diff))
        ops.update(UpdateRule(Doubled.rule), [slot], 0.5, momentum=0.9)
        np.testing.assert_allclose(ops.to_host(slot.data), data - diff, rtol=1e-12)


@pytest.mark.parametrize("kind", ["reference", "numpy", "native", "gpu"])
@pytest.mark.parametrize("l1", [False, True])
def test_decoupled_decay(kind, l1):
    """AdamW: Adam without decay, and rate * decay * weights besides."""
    rule = UpdateRule(AdamSolver.rule, 2, decoupled_decay=True)
    assert rule.kernel is None
    with installed():
        ops, plain = backend(kind), Ops(dtype="float64")
        slot = slot_of(ops, np.random.default_rng(9), (5, 6), 2, 0.5, 3.0)
        data, diff = (np.array(ops.to_host(a)) for a in (slot.data, slot.diff))
        other = UpdateSlot(data.copy(), diff, [np.zeros((5, 6)), np.zeros((5, 6))], 0.5)
        plain.update(UpdateRule(AdamSolver.rule, 2), [other], 0.25, momentum=0.9)
        ops.update(rule, [slot], 0.25, 1.0, 0.2, l1, momentum=0.9)
        want = other.data - 0.25 * 0.5 * 0.2 * 3.0 * (np.sign(data) if l1 else data)
        np.testing.assert_allclose(ops.to_host(slot.data), want, rtol=1e-12)
        np.testing.assert_allclose(ops.to_host(slot.diff), data - want, rtol=1e-9)


def test_nobody_else_takes_a_kernel():
    with pytest.raises(ValueError, match="the kernel SGD computes .*SGDSolver.rule already"):
        accelerated("SGD")(lambda xp, g, history, rate, hyper: g)


@pytest.mark.parametrize("file_format", ["BINARYPROTO", "HDF5"])
@pytest.mark.parametrize("solver_type", ["TwoMeans", "Scaled"])
def test_resume_is_bit_for_bit(tmp_path, solver_type, file_format):
    write_rows(tmp_path / "rows.txt", 11, seed=3)
    settings = (
        f'{SETTINGS} type: "{solver_type}" weight_decay: 0.01 random_seed: 3 '
        f'snapshot_prefix: "{tmp_path}/run" snapshot_format: {file_format}'
    )
    net = ROWS_NET.format(folder=tmp_path)
    with make_solver(settings, net, "float32") as whole:
        whole.step(5)
        _, state = whole.snapshot()
        whole.step(6)
        want = params(whole) + [blob.data.copy() for blob in whole.history]
    with make_solver(settings, net, "float32") as resumed:
        resumed.restore(state)
        resumed.step(6)
        got = params(resumed) + [blob.data.copy() for blob in resumed.history]
    assert len(got) == (6 if solver_type == "TwoMeans" else 4)
    for mine, its in zip(got, want, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_settings_that_change_are_recorded_again():
    ops = RecordingOps()
    trained = get_solver(text.parse(SOLVER % 'type: "TwoMeans"', schema.SolverParameter), ops)
    trained.step(4)
    assert (ops.captured, ops.replays) == (1, 2)
    assert ops.controls[2] == 3  # without a kernel the rule may read the iteration
    trained.param.momentum = 0.5
    trained.step(4)
    assert (ops.captured, ops.replays) == (2, 4)
    trained.param.weight_decay = 0.5
    trained.step(3)
    assert (ops.captured, ops.replays) == (3, 5)


def test_a_value_that_changes_with_each_update_is_never_recorded():
    class Warm(TwoMeans):
        def hyper(self):
            return {**super().hyper(), "warmth": self.iter}

    register("Warm")(Warm)
    ops = RecordingOps()
    trained = get_solver(text.parse(SOLVER % 'type: "Warm"', schema.SolverParameter), ops)
    trained.step(6)
    assert ops.captured == 0 and trained.iter == 6


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        (None, "NoneType"),
        (0.5, "float"),
        (np.zeros(3), r"an array of shape \(3,\)"),
    ],
)
def test_a_step_of_another_kind(returned, says):
    class Odd(Solver):
        @staticmethod
        def rule(xp, g, history, rate, hyper):
            return returned

    register("Odd")(Odd)
    solver = make_solver('type: "Odd" base_lr: 1 lr_policy: "fixed"')
    with pytest.raises(SolverError, match=rf"Odd.rule returned {says}; it must return the step"):
        solver.step(1)


def test_what_cannot_be_registered():
    class Bound(Solver):
        def rule(self, xp, g, history, rate, hyper):
            return g

    class Empty(Solver):
        pass

    for cls in (Bound, Empty):
        with pytest.raises(SolverError, match="needs its update rule as a static method"):
            register("Mine")(cls)
    with pytest.raises(SolverError, match="must be a class that derives from"):
        register("Mine")(object)
    with pytest.raises(
        SolverError, match=r'"Adam" is already registered by caffe_lite.*AdamSolver'
    ):
        register("Adam")(TwoMeans)
    register("TwoMeans")(TwoMeans)  # the same class again
    assert "Mine" not in solver_types()


PLUGIN = """
from caffe_lite.solvers import Solver

class Half(Solver):
    @staticmethod
    def rule(xp, g, history, rate, hyper):
        return rate * g / 2
"""


def test_a_solver_of_an_installed_package(tmp_path, monkeypatch):
    (tmp_path / "half_solver.py").write_text(PLUGIN)
    info = tmp_path / "half-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: half\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[caffe_lite.solvers]\nHalf = half_solver:Half\nGone = half_solver:Gone\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert {"Half", "Gone", "Adam"} <= set(solver_types())
    settings = 'type: "{}" base_lr: 1 lr_policy: "fixed"'
    solver = make_solver(settings.format("Half"))
    before = params(solver)
    for blob in solver.net.learnable_params:
        blob.diff[...] = 3
    solver.apply_update()
    np.testing.assert_allclose(params(solver)[0], before[0] - 1.5)
    with pytest.raises(SolverError, match="its plugin half_solver:Gone could not be loaded"):
        make_solver(settings.format("Gone"))


def test_an_unknown_type_lists_what_is_known():
    with pytest.raises(SolverError) as caught:
        make_solver('type: "TwoMeanz" base_lr: 1 lr_policy: "fixed"', TWO_LAYERS)
    assert 'unknown solver type "TwoMeanz"; did you mean "TwoMeans"?' in str(caught.value)
    known = str(caught.value).partition("(known: ")[2].removesuffix(")").split(", ")
    assert known == solver_types() and {"Adam", "TwoMeans"} < set(known)
