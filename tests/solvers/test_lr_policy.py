"""Learning rate policies against their formulas."""

from math import exp, inf

import pytest

from caffe_lite.proto import schema, text
from caffe_lite.solvers.lr_policy import learning_rate, policy_problem

ITERATIONS = [0, 1, 4, 5, 6, 9, 10, 19, 20, 21, 40]


def rates(prototxt, iterations, step=0):
    param = text.parse(prototxt, schema.SolverParameter)
    assert policy_problem(param) == ""
    found = []
    for iteration in iterations:
        rate, step = learning_rate(param, iteration, step)
        found.append(rate)
    return found


@pytest.mark.parametrize(
    ("prototxt", "formula"),
    [
        ('base_lr: 0.5 lr_policy: "fixed"', lambda i: 0.5),
        (
            'base_lr: 0.5 lr_policy: "step" gamma: 0.25 stepsize: 5',
            lambda i: 0.5 * 0.25 ** (i // 5),
        ),
        ('base_lr: 0.5 lr_policy: "exp" gamma: 0.75', lambda i: 0.5 * 0.75**i),
        (
            'base_lr: 0.5 lr_policy: "inv" gamma: 0.125 power: 0.75',
            lambda i: 0.5 / (1 + 0.125 * i) ** 0.75,
        ),
        (
            'base_lr: 0.5 lr_policy: "poly" power: 1.5 max_iter: 40',
            lambda i: 0.5 * (1 - i / 40) ** 1.5,
        ),
        (
            'base_lr: 0.5 lr_policy: "sigmoid" gamma: 0.25 stepsize: 10',
            lambda i: 0.5 / (1 + exp(-0.25 * (i - 10))),
        ),
        (
            'base_lr: 0.5 lr_policy: "multistep" gamma: 0.5 stepvalue: 5 stepvalue: 20',
            lambda i: 0.5 * 0.5 ** ((i >= 5) + (i >= 20)),
        ),
    ],
)
def test_formula(prototxt, formula):
    assert rates(prototxt, ITERATIONS) == pytest.approx([formula(i) for i in ITERATIONS])


def test_multistep_takes_one_step_an_iteration():
    prototxt = 'base_lr: 1 lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 2'
    assert rates(prototxt, range(5)) == [1, 1, 0.5, 0.25, 0.25]


def test_multistep_goes_on_from_a_saved_step():
    prototxt = 'base_lr: 1 lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 4'
    assert rates(prototxt, [3, 4, 5], step=1) == [0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("prototxt", "iteration", "rate"),
    [
        ('base_lr: 1 lr_policy: "poly" power: 0.5 max_iter: 10', 11, 0.0),
        ('base_lr: 1 lr_policy: "poly" power: 0 max_iter: 10', 10, 1.0),
        ('base_lr: 1 lr_policy: "exp" gamma: 2', 5000, inf),
        ('base_lr: 1 lr_policy: "inv" gamma: 1 power: -2', 3, 16.0),
        ('base_lr: 1 lr_policy: "sigmoid" gamma: 3 stepsize: 2000', 0, 0.0),
        ('base_lr: 1 lr_policy: "step" gamma: 0 stepsize: 2', 2, 0.0),
        ('base_lr: 1 lr_policy: "step" gamma: 0 stepsize: 2', 1, 1.0),
    ],
)
def test_ends_of_the_range(prototxt, iteration, rate):
    assert rates(prototxt, [iteration]) == [rate]


@pytest.mark.parametrize(
    ("prototxt", "problem"),
    [
        (
            "base_lr: 1",
            "lr_policy is not set; choose one of fixed, step, exp, inv, multistep, poly, sigmoid, "
            "plateau, multifixed",
        ),
        (
            'lr_policy: "multi_step"',
            'unknown lr_policy "multi_step"; did you mean "multistep"? (known: '
            "fixed, step, exp, inv, multistep, poly, sigmoid, plateau, multifixed)",
        ),
        ('lr_policy: "step"', "lr_policy step needs stepsize > 0, got 0"),
        ('lr_policy: "step" stepsize: 2 gamma: -1', "lr_policy step needs gamma >= 0, got -1"),
        ('lr_policy: "exp" gamma: -0.5', "lr_policy exp needs gamma >= 0, got -0.5"),
        ('lr_policy: "inv" gamma: -1', "lr_policy inv needs gamma >= 0, got -1"),
        ('lr_policy: "multistep" gamma: -1', "lr_policy multistep needs gamma >= 0, got -1"),
        ('lr_policy: "sigmoid" stepsize: 0', "lr_policy sigmoid needs stepsize > 0, got 0"),
        ('lr_policy: "poly"', "lr_policy poly needs max_iter > 0, got 0"),
    ],
)
def test_problems(prototxt, problem):
    assert policy_problem(text.parse(prototxt, schema.SolverParameter)) == problem
