"""A fault of 1 % planted in any backward pass is caught by the gradient check."""

import numpy as np
import pytest

from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import layer_types
from caffe_lite.nets.backward_plan import takes_gradient
from caffe_lite.testing import GradientError, check_gradients, make_layer
from tests.layer_cases import ALIASES, CASES, NAMES
from tests.layer_sources import make_sources

ONLY_ZEROS = {"Silence"}
DIFFERENTIABLE = [(case, name) for case, name in zip(CASES, NAMES, strict=True) if case.gradient]
CHECKED = {case.type for case, _ in DIFFERENTIABLE}
UNCHECKED = [
    (case, name)
    for case, name in zip(CASES, NAMES, strict=True)
    if case.type not in CHECKED and not case.own_gradient
]


@pytest.fixture(autouse=True)
def in_sources(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("sources")
    make_sources(folder)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))


def build(case):
    return make_layer(case.prototxt, case.bottoms, phase=case.phase, tops=case.tops, seed=3)


def caught(case, index, learned=False):
    """Whether the check finds 1 % too much in the gradient of a bottom, or of a learned blob."""
    run = build(case)
    blob, right = (run.layer.blobs if learned else run.bottom)[index], run.layer.backward

    def wrong(top, propagate_down, bottom):
        before = blob.diff.copy() if learned else 0
        right(top, propagate_down, bottom)
        if learned or propagate_down[index]:
            blob.diff[...] += 0.01 * (blob.diff - before)

    run.layer.backward = wrong
    try:
        results = check_gradients(run.layer, run.bottom, run.top, case.flags)
    except GradientError:
        return True
    return any(result.error > case.tolerance for result in results)


@pytest.mark.parametrize(
    "case", [case for case, _ in DIFFERENTIABLE], ids=[name for _, name in DIFFERENTIABLE]
)
def test_one_percent(case):
    run = build(case)
    run.forward()
    flags = list(case.flags or takes_gradient(run.layer, len(run.bottom)))
    rng = np.random.default_rng(1)
    bottom, params = run.backward([rng.normal(size=blob.shape) for blob in run.top], flags)
    spoiled = 0
    for i, (diff, flag) in enumerate(zip(bottom, flags, strict=True)):
        if flag and diff.any():
            assert caught(case, i), f"bottom[{i}]"
            spoiled += 1
    for i, diff in enumerate(params):
        if diff.any():
            assert caught(case, i, learned=True), f"blobs[{i}]"
            spoiled += 1
    assert spoiled or case.type in ONLY_ZEROS


@pytest.mark.parametrize(
    "case", [case for case, _ in UNCHECKED], ids=[name for _, name in UNCHECKED]
)
def test_types_that_are_not_checked_have_no_gradient(case):
    run = build(case)
    if not run.bottom or not run.top or type(run.layer).backward is Layer.backward:
        return  # a source, an output, or a layer without a backward pass
    run.forward()
    rng = np.random.default_rng(1)
    bottom, params = run.backward(
        [rng.normal(size=blob.shape) for blob in run.top], [True] * len(run.bottom)
    )
    assert not any(diff.any() for diff in bottom), f"a bottom of {case.type} has a gradient"
    assert not params, f"{case.type} has learned blobs"


def test_every_type_is_here():
    assert {case.type for case in CASES} | ALIASES == set(layer_types())
