"""What every layer type says of the tops' data that its backward pass reads is true."""

import numpy as np
import pytest

from tests.test_layer_contract import (
    PAIRS,
    build,
    closing,
    flags_of,
    in_sources,
    sources,
    top_diffs,
)

FIXTURES = (closing, in_sources, sources)
GRADIENTS = [(case, name) for case, name in PAIRS if case.gradient and case.type != "Python"]


def gradients(case, in_place, change):
    """Diffs of bottoms and learned blobs where `change(data)` happens to the tops before backward.

    None for a layer that has none, or cannot work in place.
    """
    if in_place and not case.bottoms:
        return None
    run = build(case)
    if in_place:
        if not type(run.layer).in_place:
            return None
        run = build(case, in_place=True)
    flags = flags_of(case, run)
    if not any(flags) and not run.layer.blobs:
        return None
    run.forward()
    declared = run.layer.top_data_in_backward(in_place)
    diffs = top_diffs(run)
    for blob in run.top:
        blob.data[...] = change(blob.data)
    bottom, params = run.backward(diffs, flags)
    return declared, [d for d, flag in zip(bottom, flags, strict=True) if flag] + params


def replaced(data):
    return np.random.default_rng(1).normal(0.7, 3, data.shape)


def scaled(data):
    return data * np.random.default_rng(2).uniform(0.5, 3, data.shape)


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("case", [c for c, _ in GRADIENTS], ids=[n for _, n in GRADIENTS])
def test_backward_reads_no_more_of_the_tops_than_declared(case, in_place):
    made = gradients(case, in_place, lambda data: data)
    if made is None:  # no gradient, or it cannot work in place
        return
    declared, plain = made
    assert declared in ("", "signs", "values")
    if declared == "":
        assert same(plain, gradients(case, in_place, replaced)[1]), "backward reads top data"
    elif declared == "signs":
        assert same(plain, gradients(case, in_place, scaled)[1]), "backward reads more than signs"


def test_backward_reads_what_is_declared_in_some_case():
    declared, read = set(), set()
    for case, _ in GRADIENTS:
        for in_place in (False, True):
            made = gradients(case, in_place, lambda data: data)
            if made and made[0]:
                declared.add((case.type, in_place))
                if not same(made[1], gradients(case, in_place, replaced)[1]):
                    read.add((case.type, in_place))
    assert declared == read


def test_layers_that_keep_signs_do():
    found = set()
    for case, _ in GRADIENTS:
        run = build(case)
        if run.layer.keeps_signs:
            found.add(case.type)
            run.forward()
            dy = [np.ones(run.top[0].shape)]
            (dx,), _ = run.backward(dy, [True])
            x, y = run.bottom[0].data, run.top[0].data
            assert ((y > 0) == (x > 0))[dx != 0].all(), case.type
    assert {"ReLU", "Dropout"} <= found
