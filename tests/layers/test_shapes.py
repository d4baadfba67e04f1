"""Layers that only move elements: Concat, Slice, Split, Silence, Flatten, Reshape."""

import numpy as np
import pytest

from caffe_lite.testing import check_layer, make_layer
from tests.layers.helpers import fails, normal, untouched


def concat(options=""):
    return f'type: "Concat" concat_param {{ {options} }}'


def cut(options=""):
    return f'type: "Slice" slice_param {{ {options} }}'


def flatten(options=""):
    return f'type: "Flatten" flatten_param {{ {options} }}'


def reshape(dims, options=""):
    shape = " ".join(f"dim: {d}" for d in dims)
    return f'type: "Reshape" reshape_param {{ shape {{ {shape} }} {options} }}'


@pytest.mark.parametrize(
    ("options", "axis"), [("", 1), ("axis: 0", 0), ("axis: -1", 2), ("concat_dim: 2", 2)]
)
def test_concat(options, axis):
    shape = [2, 3, 4]
    bottoms = []
    for size in (1, 3, 2):
        shape[axis] = size
        bottoms.append(normal(*shape))
    run = make_layer(concat(options), bottoms)
    (y,) = run.forward()
    np.testing.assert_array_equal(y, np.concatenate(bottoms, axis))
    check_layer(concat(options), bottoms)
    untouched(run, [y])


def test_concat_of_one_shares_memory():
    run = make_layer(concat(), [normal(2, 3)])
    assert run.top[0].buffer_ids == run.bottom[0].buffer_ids
    check_layer(concat(), [normal(2, 3)])


def test_concat_errors():
    fails(concat(), [normal(2, 3, 4), normal(2, 3, 5)], "same shape but for axis 1", "(2, 3, 5)")
    fails(concat(), [normal(2, 3), normal(2, 3, 1)], "same shape but for axis 1")
    fails(concat("axis: 2"), [normal(2, 3)], "axis must be in [-2, 1]")
    fails(concat("axis: 1 concat_dim: 1"), [normal(2, 3)], "not both")
    fails(concat(), [normal(2, 3), np.zeros((2, 0))], "bottom[1]", "at least one element")


@pytest.mark.parametrize(
    ("options", "axis", "parts"),
    [
        ("", 1, [slice(0, 2), slice(2, 4), slice(4, 6)]),
        ("axis: -1", 2, [slice(0, 1), slice(1, 2)]),
        ("slice_point: 1 slice_point: 4", 1, [slice(0, 1), slice(1, 4), slice(4, 6)]),
        ("slice_dim: 0 slice_point: 1", 0, [slice(0, 1), slice(1, 3)]),
    ],
)
def test_slice(options, axis, parts):
    x = normal(3, 6, 2)
    run = make_layer(cut(options), [x], tops=len(parts))
    tops = run.forward()
    for y, part in zip(tops, parts, strict=True):
        np.testing.assert_array_equal(y, x[(slice(None),) * axis + (part,)])
    check_layer(cut(options), [x], tops=len(parts))
    untouched(run, tops)


def test_slice_into_one_shares_memory():
    run = make_layer(cut(), [normal(2, 3)])
    assert run.top[0].buffer_ids == run.bottom[0].buffer_ids


def test_slice_errors():
    x = normal(2, 5)
    fails(cut(), [x], "2 tops cannot share axis 1 of size 5", tops=2)
    fails(cut("slice_point: 1"), [x], "given 2 times", tops=3)
    fails(cut("slice_point: 3 slice_point: 3"), [x], "rise between 0 and 5", "[3, 3]", tops=3)
    fails(cut("slice_point: 5"), [x], "rise between 0 and 5", tops=2)
    fails(cut("slice_point: 0"), [x], "rise between 0 and 5", tops=2)
    fails(cut("axis: 1 slice_dim: 1"), [x], "not both")


@pytest.mark.parametrize("count", [1, 2, 4])
def test_split_adds_gradients(count):
    x = normal(2, 3)
    run = make_layer('type: "Split"', [x], tops=count)
    for y in run.forward():
        np.testing.assert_array_equal(y, x)
    check_layer('type: "Split"', [x], tops=count)
    untouched(run, [x] * count)


def test_silence_gives_zero():
    run = make_layer('type: "Silence"', [normal(2, 3), normal(4)], tops=0)
    run.forward()
    for blob in run.bottom:
        blob.diff[...] = 7
    (first, second), _ = run.backward(propagate_down=[False, True])
    assert (first == 7).all()
    assert (second == 0).all()


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ("", (2, 60)),
        ("axis: 0", (120,)),
        ("axis: 2", (2, 3, 20)),
        ("axis: 1 end_axis: 2", (2, 12, 5)),
        ("axis: -2 end_axis: -1", (2, 3, 20)),
        ("axis: 3", (2, 3, 4, 5)),
        ("axis: 2 end_axis: 1", (2, 3, 1, 4, 5)),
        ("end_axis: -4", (2, 1, 3, 4, 5)),
    ],
)
def test_flatten(options, shape):
    x = normal(2, 3, 4, 5)
    run = make_layer(flatten(options), [x])
    np.testing.assert_array_equal(run.forward()[0], x.reshape(shape))
    assert run.top[0].buffer_ids == run.bottom[0].buffer_ids
    check_layer(flatten(options), [x])


def test_flatten_errors():
    fails(flatten("axis: 2 end_axis: 0"), [normal(2, 3, 4)], "end_axis (0)", "axis (2)")
    fails(flatten("axis: 3"), [normal(2, 3, 4)], "axis must be in [-3, 2]")
    fails(flatten("end_axis: 3"), [normal(2, 3, 4)], "end_axis must be in")


@pytest.mark.parametrize(
    ("dims", "options", "shape"),
    [
        ((0, -1), "", (2, 60)),
        ((4, 5, 6), "", (4, 5, 6)),
        ((-1,), "", (120,)),
        ((0, 0, 2, -1), "", (2, 3, 2, 10)),
        ((2, -1), "axis: 1 num_axes: 1", None),
        ((3, 1), "axis: 1 num_axes: 1", (2, 3, 1, 4, 5)),
        ((-1,), "axis: 1", (2, 60)),
        ((1,), "axis: -1 num_axes: 0", (2, 3, 4, 5, 1)),
        ((1, 1), "axis: 2 num_axes: 0", (2, 3, 1, 1, 4, 5)),
        ((0, -1), "axis: -3", (2, 3, 4, 5)),
        ((-1, 0), "axis: 1 num_axes: 2", (2, 3, 4, 5)),
    ],
)
def test_reshape(dims, options, shape):
    x = normal(2, 3, 4, 5)
    if shape is None:
        fails(reshape(dims, options), [x], "cannot take the bottom of shape (2, 3, 4, 5)")
        return
    run = make_layer(reshape(dims, options), [x])
    np.testing.assert_array_equal(run.forward()[0], x.reshape(shape))
    assert run.top[0].buffer_ids == run.bottom[0].buffer_ids
    check_layer(reshape(dims, options), [x])


def test_reshape_follows_a_new_batch_size():
    run = make_layer(reshape((0, -1)), [normal(2, 3, 4)])
    run.bottom[0].reshape(5, 3, 2)
    run.reshape()
    assert run.top[0].shape == (5, 6)


def test_reshape_errors():
    x = normal(2, 3, 4)
    fails(reshape((-1, -1)), [x], "once, -1", "[-1, -1]")
    fails(reshape((-2,)), [x], "[-2]")
    fails(reshape((5, -1)), [x], "cannot take the bottom of shape (2, 3, 4) (24 elements)")
    fails(reshape((2, 3, 4, 0)), [x], "dim 3 of the new shape is 0", "no axis 3")
    fails(reshape((-1,), "axis: 4"), [x], "axis must be in [-4, 3]")
    fails(reshape((-1,), "axis: 1 num_axes: 3"), [x], "at most 3", "1 + 3")
    fails(reshape((-1,), "num_axes: -2"), [x], "num_axes must be at least 0")
