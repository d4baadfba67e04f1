"""Input, DummyData and Parameter: tops that no other layer makes."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal


def dummy(options):
    return f'type: "DummyData" dummy_data_param {{ {options} }}'


@pytest.mark.parametrize(
    ("options", "shapes"),
    [
        ("shape { dim: 2 dim: 3 }", [(2, 3)]),
        ("shape { dim: 4 }", [(4,)] * 3),
        ("shape { dim: 2 } shape { dim: 3 dim: 1 }", [(2,), (3, 1)]),
        ("shape { }", [()]),
    ],
)
def test_input_shapes(options, shapes):
    run = make_layer(f'type: "Input" input_param {{ {options} }}', tops=len(shapes))
    assert [blob.shape for blob in run.top] == shapes


def test_input_keeps_what_the_caller_gives():
    run = make_layer('type: "Input" input_param { shape { dim: 2 dim: 3 } }')
    run.top[0].reshape(4, 5)
    run.top[0].data[...] = x = normal(4, 5)
    run.reshape()
    np.testing.assert_array_equal(run.forward()[0], x)


def test_dummy_data_shapes_and_constants():
    run = make_layer(
        dummy(
            "shape { dim: 2 dim: 3 } shape { dim: 4 } data_filler { value: 1.5 } "
            "data_filler { value: -2 }"
        ),
        tops=2,
    )
    first, second = run.forward()
    np.testing.assert_array_equal(first, np.full((2, 3), 1.5))
    np.testing.assert_array_equal(second, np.full(4, -2))
    run.top[0].data[...] = 9  # constants are written once
    assert (run.forward()[0] == 9).all()
    legacy = make_layer(dummy("num: 2 num: 3 channels: 4 height: 1 width: 5"), tops=2)
    assert [top.shape for top in legacy.forward()] == [(2, 4, 1, 5), (3, 4, 1, 5)]
    assert not legacy.forward()[0].any()


def test_dummy_data_draws_anew_and_resumes():
    text = dummy('shape { dim: 300 } data_filler { type: "uniform" min: 2 max: 4 }')
    run, other = make_layer(text, tops=2), make_layer(text, tops=2, seed=8)
    first, second = run.forward()
    assert (first != second).any()
    assert 2 <= first.min() < 2.1
    assert 3.9 < first.max() <= 4
    state = run.layer.get_state()
    expected = run.forward()
    assert (expected[0] != first).any()
    other.layer.set_state(state)
    for mine, theirs in zip(other.forward(), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_parameter_is_learned():
    text = 'type: "Parameter" parameter_param { shape { dim: 2 dim: 3 } }'
    run = make_layer(text)
    assert not run.forward()[0].any()
    run.layer.blobs[0].data[...] = w = normal(2, 3)
    np.testing.assert_array_equal(run.forward()[0], w)
    run.backward([w])
    np.testing.assert_allclose(run.backward([w])[1][0], 2 * w)
    check_layer(text)


def test_errors():
    fails(
        'type: "Input" input_param { shape { dim: 1 } shape { dim: 2 } }',
        [],
        "once per top (3)",
        "got 2",
        tops=3,
    )
    fails(dummy(""), [], "shape must be given once", "got 0")
    fails(dummy("shape { dim: 2 } num: 2"), [], "not both")
    fails(dummy("num: 2 channels: 1 height: 1"), [], "width must be given once")
    fails(
        dummy("shape { dim: 2 } data_filler { } data_filler { }"),
        [],
        "data_filler must be given",
        tops=3,
    )
    fails(dummy('shape { dim: 2 } data_filler { type: "unifrom" }'), [], "uniform")
    fails(dummy("shape { dim: 0 }"), [], "no elements")
    fails('type: "Parameter" parameter_param { shape { dim: 0 } }', [], "at least 1", "(0,)")
