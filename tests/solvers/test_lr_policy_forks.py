"""Learning rate policies of Caffe's forks against their formulas."""

import pytest

from caffe_lite.proto import schema, text
from caffe_lite.solvers.lr_policy import learning_rate, policy_problem
from caffe_lite.solvers.plateau import Plateau
from tests.solvers.solver_nets import make_solver
from tests.solvers.test_lr_policy import rates

FIRST = list(range(9))


@pytest.mark.parametrize(
    ("prototxt", "formula"),
    [
        (
            'base_lr: 0.5 lr_policy: "fixed" warmup_iter: 4 warmup_start_lr: 0.125',
            lambda i: 0.125 + (0.5 - 0.125) * min(i, 4) / 4,
        ),
        (
            'base_lr: 0.5 lr_policy: "exp" gamma: 0.5 rampup_interval: 4 rampup_lr: 0.25',
            lambda i: 0.25 + 0.25 * (i / 4) ** 2 if i < 4 else 0.5 * 0.5**i,
        ),
        (
            'base_lr: 0.5 lr_policy: "fixed" rampup_interval: 2 min_lr: 0.2',
            lambda i: max(0.5 * (i / 2) ** 2, 0.2) if i < 2 else 0.5,
        ),
        (
            'base_lr: 0.5 lr_policy: "poly" power: 1.5 max_iter: 6 min_lr: 0.125',
            lambda i: 0.125 + 0.375 * max(0, 1 - i / 6) ** 1.5,
        ),
        (
            'base_lr: 0.5 lr_policy: "step" gamma: 0.5 stepsize: 2 min_lr: 0.0625',
            lambda i: max(0.5 * 0.5 ** (i // 2), 0.0625),
        ),
        (
            'lr_policy: "multifixed" stagelr: 0.25 stageiter: 2 stagelr: 0.5 stageiter: 5 '
            "stagelr: 0.125 stageiter: 6",
            lambda i: 0.25 if i <= 2 else 0.5 if i <= 5 else 0.125,
        ),
    ],
)
def test_formula(prototxt, formula):
    assert rates(prototxt, FIRST) == pytest.approx([formula(i) for i in FIRST], rel=1e-6)


def test_multistep_takes_no_step_while_the_rate_rises():
    prototxt = (
        'base_lr: 1 lr_policy: "multistep" gamma: 0.5 stepvalue: 1 stepvalue: 2 '
        "warmup_iter: 3 warmup_start_lr: 0.25"
    )
    assert rates(prototxt, range(6)) == [0.25, 0.5, 0.75, 0.5, 0.25, 0.25]


def plateau_by_hand(losses, windows):
    """The step count of each iteration, from the description of the policy."""
    best, event, step, steps = float("inf"), 0, 0, []
    for i, loss in enumerate(losses):
        if loss < best:
            best, event = loss, i
        if step < len(windows) and i - event >= windows[step]:
            step, event = step + 1, i
        steps.append(step)
    return steps


def test_plateau_steps_when_the_loss_stops_falling():
    losses = [5, 4, 4, 4, 3, 3, 3.5, 3, 3, 3, 2, 2, 2, 2]
    windows, state, step, steps = [3, 4], Plateau(), 0, []
    for i, loss in enumerate(losses):
        state, step = state.after(float(loss), i, step, windows)
        steps.append(step)
    assert steps == plateau_by_hand(losses, windows)
    assert steps == [0] * 7 + [1] * 7
    assert state == Plateau(2.0, 10)


def test_plateau_knows_nothing_before_the_first_loss():
    assert Plateau().after(None, 7, 2, [1, 1, 1]) == (Plateau(), 2)


def test_a_solver_with_plateau_lowers_its_rate_by_the_displayed_loss():
    solver = make_solver(
        'base_lr: 0.001 lr_policy: "plateau" gamma: 0.5 plateau_winsize: 2 plateau_winsize: 3 '
        "average_loss: 2 random_seed: 3 display: 1"
    )
    losses, found = [], []
    for target in [1.0, 1.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 0.5]:
        solver.net.blobs["t"].data[...] = target
        solver.net.forward()
        losses.append(float(solver.net.loss()))
        solver._losses_restored = True  # so that step continues with the losses of the last call
        solver.step(1)
        found.append(solver.current_step)
    means = [sum(losses[max(0, i - 1) : i + 1]) / min(i + 1, 2) for i in range(len(losses))]
    assert found == plateau_by_hand(means, [2, 3])
    assert found[-1] == 2
    assert solver._rate == pytest.approx(0.001 * 0.25, rel=1e-6)


@pytest.mark.parametrize(
    ("prototxt", "problem"),
    [
        ('lr_policy: "plateau" plateau_winsize: 3 plateau_winsize: 0', "plateau_winsize must be"),
        ('lr_policy: "multifixed"', "0 stagelr and 0 stageiter"),
        ('lr_policy: "multifixed" stagelr: 1 stagelr: 2 stageiter: 4', "2 stagelr and 1 stageiter"),
        ('lr_policy: "fixed" warmup_iter: 2 rampup_interval: 3', "both given"),
        ('lr_policy: "fixed" warmup_iter: -2', "warmup_iter must not be negative"),
        ('lr_policy: "poly" max_iter: 9 base_lr: 0.1 min_lr: 0.2', "min_lr <= base_lr"),
    ],
)
def test_parameters_that_cannot_be_used(prototxt, problem):
    assert problem in policy_problem(text.parse(prototxt, schema.SolverParameter))


def test_plateau_takes_the_step_it_is_given():
    param = text.parse('base_lr: 2 lr_policy: "plateau" gamma: 0.5', schema.SolverParameter)
    assert learning_rate(param, 9, 3) == (0.25, 3)
